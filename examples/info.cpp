// Prints the contents of a weight file or checkpoint: info net.pth. With --graph, the network as a table of operations.
#include "common/enlarger.hpp"
#include "common/program.hpp"
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/graph/lower.hpp"
#include "fovea/graph/summary.hpp"
#include "fovea/io/weights/try_read_weights.hpp"
#include "fovea/zoo/load.hpp"

using namespace fovea;
using fovea::detail::printable;

namespace {

std::string text_of_value(const tensor_file::value& v) {
    return std::visit(
        [](const auto& x) -> std::string {
            using T = std::decay_t<decltype(x)>;
            if constexpr (std::is_same_v<T, std::string>)
                return x;
            else if constexpr (std::is_same_v<T, bool>)
                return x ? "true" : "false";
            else if constexpr (std::is_same_v<T, double>) {
                char text[32];
                std::snprintf(text, sizeof text, "%g", x);
                return text;
            } else
                return std::to_string(x);
        },
        v);
}

// Prints the network, where in the file it was found, and the other tensors.
void print_network(const tensor_file& file) {
    const auto network = try_weights_of(file);
    if (network) {
        std::int64_t numbers = 0;
        for (auto& t : network->tensors())
            if (t.name.find('/') == std::string::npos) numbers += t.size();
        const auto known = zoo::try_recognise(*network);
        std::printf("network:  %s\nnumbers:  %lld\n", known ? zoo::describe(*known).c_str() : "not known here",
                    static_cast<long long>(numbers));
        if (!network->origin.empty()) std::printf("from:     %s\n", network->origin.c_str());
    } else
        std::printf("network:  none\n");
    for (auto& place : fovea::detail::weight_places(network ? *network : file))
        if (place.in_dictionary || !network) std::printf("beside:   %s\n", place.text().c_str());
}

// Prints how far a training run was at this checkpoint; its settings are among the metadata.
void print_run(const tensor_file& file) {
    const auto of = [&](const char* name) {
        const auto found = file.metadata.find(name);
        return found == file.metadata.end() ? nullptr : found->second.c_str();
    };
    if (!of("trainer.steps")) return;
    std::printf("run:      %s steps of %s", of("trainer.steps"), of("trainer.optimizer"));
    if (of("data.epoch")) std::printf(", %s epochs and %s batches", of("data.epoch"), of("data.step"));
    if (of("critic/trainer.steps")) std::printf(", %s steps of the critic", of("critic/trainer.steps"));
    std::printf("\n");
    if (of("best.score")) std::printf("best:     score %s after epoch %s\n", of("best.score"), of("best.epoch"));
}

// Prints the operations of the network as the cpu backend runs them on an image of that size.
void print_graph(const tensor_file& file, extent size, const std::string& precision) {
    const tensor_file weights = weights_of(file);
    graph g = zoo::graph_of<cpu>(weights);
    check_extent(g, size);
    lower_for_inference(g, programs::precision_of(precision), nullptr, "");
    std::fputs(text_of_summary(g, size).c_str(), stdout);
}

void print(const std::string& path, bool all) {
    const tensor_file file = read_tensor_file(path);
    std::int64_t bytes = 0;
    for (auto& t : file.tensors()) bytes += std::int64_t(t.bytes.size());
    std::printf("file:     %s\ntensors:  %zu, %.1f KB\n", path.c_str(), file.tensors().size(), double(bytes) / 1024);
    if (!file.tensors().empty()) print_network(file);
    print_run(file);
    for (auto& [name, value] : file.metadata) std::printf("metadata: %s = %s\n", name.c_str(), value.c_str());
    for (auto& [name, value] : file.values)
        std::printf("value:    %s = %s\n", name.c_str(), text_of_value(value).c_str());
    for (auto& [name, type] : file.modules)
        std::printf("value:    %s: %s, a whole module (not read)\n", printable(name).c_str(), type.c_str());
    for (auto& [name, type] : file.opaque)
        std::printf("value:    %s: %s (not read)\n", printable(name).c_str(), type.c_str());
    if (!all) return;
    for (auto& t : file.tensors())
        std::printf("  %-60s %-4s %s\n", t.name.c_str(), std::string(name_of(t.type)).c_str(),
                    text_of_shape(t.shape).c_str());
}

} // namespace

int main(int argc, char** argv) {
    std::string file;
    bool tensors = false, operations = false;
    std::string precision = "float32";
    std::vector<int> size{256, 256};
    CLI::App app("Tells what a weight file or checkpoint holds.");
    app.add_option("FILE", file, "a .safetensors, .pth or .pt file")->required();
    app.add_flag("--tensors", tensors, "every tensor with its type and shape");
    auto* const table =
        app.add_flag("--graph", operations, "the network's operations: shapes, parameters, multiply-adds, kernels");
    app.add_option("--size", size, "width and height of the image for --graph")
        ->expected(2)
        ->check(CLI::Range(1, 1 << 20))
        ->needs(table);
    app.add_option("--precision", precision, "precision for --graph: float32, bf16 or fp16")
        ->check(CLI::IsMember({"float32", "bf16", "fp16"}))
        ->needs(table);
    return programs::run_program(app, argc, argv, [&] {
        if (operations)
            print_graph(read_tensor_file(file), {size[1], size[0]}, precision);
        else
            print(file, tensors);
    });
}
