// Tells what a weight file or checkpoint holds: info net.pth
#include "common/program.hpp"
#include "fovea/zoo/recognise.hpp"

using namespace fovea;

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

void print_network(const tensor_file& file) {
    const tensor_file network = weights_of(file);
    std::int64_t numbers = 0;
    for (auto& t : network.tensors())
        if (t.name.find('/') == std::string::npos) numbers += t.size();
    std::string text;
    try {
        text = zoo::describe(zoo::recognise(network));
    } catch (const error&) {
        text = "not known here";
    }
    std::printf("network:  %s\nnumbers:  %lld\n", text.c_str(), static_cast<long long>(numbers));
}

// How far a training run was when it left this checkpoint; its settings are among the metadata.
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
    if (!all) return;
    for (auto& t : file.tensors())
        std::printf("  %-60s %-4s %s\n", t.name.c_str(), std::string(name_of(t.type)).c_str(),
                    text_of_shape(t.shape).c_str());
}

} // namespace

int main(int argc, char** argv) {
    std::string file;
    bool tensors = false;
    CLI::App app("Tells what a weight file or checkpoint holds.");
    app.add_option("FILE", file, "a .safetensors, .pth or .pt file")->required();
    app.add_flag("--tensors", tensors, "every tensor with its type and shape");
    return programs::run_program(app, argc, argv, [&] { print(file, tensors); });
}
