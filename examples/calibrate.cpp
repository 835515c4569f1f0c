// Finds the ranges of a network's activations, for --precision int8:
//   calibrate photos --weights net.pth -o net.ranges.safetensors
#include "common/calibration.hpp"
#include "common/enlarger.hpp"
#include "common/files.hpp"
#include "common/program.hpp"
#include "fovea/model/calibration_file.hpp"

using namespace fovea;

namespace {

struct options {
    std::vector<std::string> inputs;
    std::string output;
    programs::model_choice choice;
    programs::common_options common;
};

void run(const options& o) {
    o.common.check();
    context threads({.threads = o.common.threads});
    programs::enlarger enlarger(o.choice, threads);
    programs::check_output_file(o.output);
    const auto files = programs::images_of(o.inputs);
    const auto found = programs::find_ranges(*enlarger.network(), files, enlarger.description());
    write_activation_ranges(o.output, found.ranges);
    std::printf("%s: %zu images, ranges of %zu convolutions -> %s\n", found.ranges.network.c_str(),
                files.size() - found.left_out, found.ranges.inputs.size(), o.output.c_str());
    if (found.left_out) fail(found.left_out, " of ", files.size(), " images could not be used");
}

} // namespace

int main(int argc, char** argv) {
    options o;
    CLI::App app("Finds the ranges of a network's activations, for --precision int8 of the other programs.");
    app.add_option("IN", o.inputs, "images like those to be enlarged, or folders of them")->required();
    app.add_option("--weights,--checkpoint-path,--checkpoint_path", o.choice.weights,
                   "weights of a network: .safetensors, .pth, .pt; it is recognised")
        ->required();
    app.add_option("-o,--output", o.output, "the file to write, .safetensors")->required();
    o.common.add_to(app);
    return programs::run_program(app, argc, argv, [&] { run(o); });
}
