// Weights as training programs wrap them give the picture of the bare ones, however they are loaded.
#include <functional>

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/model/try_model.hpp"
#include "fovea/zoo/load.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/errors.hpp"
#include "support/random_weights.hpp"

using namespace fovea;
using fovea_test::contains;
using fovea_test::error_of;
using fovea_test::random_weights;

namespace {

using network = zoo::supercool<2, 8, 1, 1>;

image sample() {
    image picture(12, 16, 3);
    for (int y = 0; y < picture.height(); ++y)
        for (int x = 0; x < 3 * picture.width(); ++x)
            picture.row<std::uint8_t>(y)[std::size_t(x)] = std::uint8_t(37 * x + 59 * y);
    return picture;
}

// The largest difference of two pictures of one size.
int distance(const image& a, const image& b) {
    int most = 0;
    for (int y = 0; y < a.height(); ++y)
        for (std::size_t x = 0; x < std::size_t(3 * a.width()); ++x)
            most = std::max(most, std::abs(int(a.row<std::uint8_t>(y)[x]) - int(b.row<std::uint8_t>(y)[x])));
    return most;
}

// `file` with its names changed: from weights[name].
tensor_file renamed(const tensor_file& weights, const std::function<std::string(const std::string&)>& name) {
    tensor_file file;
    file.source = "w.pt";
    for (stored_tensor t : weights.tensors()) {
        t.name = name(t.name);
        file.add(std::move(t));
    }
    return file;
}
void append(tensor_file& to, const tensor_file& weights, const std::string& start) {
    for (stored_tensor t : weights.tensors()) {
        t.name = start + t.name;
        to.add(std::move(t));
    }
}

const tensor_file& mean() {
    static const auto weights = random_weights<network>();
    return weights;
}
// Other weights of the same names.
tensor_file other() {
    return [] {
        tensor_file file;
        for (auto& t : mean().tensors()) {
            auto values = to_floats(t);
            for (float& v : values) v *= 0.5f;
            file.add(tensor_of(t.name, t.shape, values));
        }
        return file;
    }();
}

void check_mean(const tensor_file& file) {
    static const image small = sample(), large = zoo::load<cpu>(mean())(small);
    CHECK(distance(large, zoo::load<cpu>(other())(small)) > 0);
    CHECK(distance(large, zoo::load<cpu>(file)(small)) == 0);
    CHECK(distance(large, zoo::load<cpu>(weights_of(file))(small)) == 0);
    CHECK(distance(large, model<network, cpu>(file)(small)) == 0);
    CHECK(distance(large, model<network, cpu>(weights_of(file))(small)) == 0);
}

} // namespace

TEST_CASE("wrapped: the network is found by its tensors under any dictionary and prefix") {
    for (const char* start : {"", "anything/", "a/b/c/", "whatever.", "x.y.z.", "module._orig_mod.",
                              "state/my_upscaler.", "model/module.", "netG/", "G./"}) {
        INFO(start);
        check_mean(renamed(mean(), [&](const std::string& name) { return start + name; }));
    }
}

TEST_CASE("wrapped: averages come before the last weights, helpers and optimizers after all others") {
    const auto last = other();
    for (auto [average, beside] : std::initializer_list<std::pair<const char*, const char*>>{
             {"params_ema/", "params/"},
             {"params-ema/", "params/"},
             {"netG_EMA/", "netG/"},
             {"emaModel/", "model/"},
             {"swa_model.", "model."},
             {"state_dict/generator_ema.", "state_dict/generator."},
             {"wrapped/upscaler_average.", "wrapped/upscaler."},
             {"my_network.", "discriminator."},
             {"my_network/", "critic/"},
             {"my_network/", "optimizer/m/"},
             {"net_g.", "net_d."},
             {"weights/", "weights_no_ema/optimizer/"},
             {"", "last/"},
         }) {
        INFO(average << " beside " << beside);
        for (const bool first : {true, false}) {
            tensor_file file;
            file.source = "w.pt";
            if (first) append(file, mean(), average);
            append(file, last, beside);
            if (!first) append(file, mean(), average);
            check_mean(file);
        }
    }
}

TEST_CASE("wrapped: counters and other networks among the weights are left aside") {
    auto file = mean();
    const std::int64_t step = 3;
    stored_tensor counter{"step_counter", dtype::i64, {1}, std::vector<std::byte>(sizeof step)};
    std::memcpy(counter.bytes.data(), &step, sizeof step);
    file.add(counter);
    file.add(tensor_of("discriminator.conv.weight", {2}, std::vector<float>{1, 2}));
    check_mean(file);
    file.add(tensor_of("stray", {1}, std::vector<float>{1})); // might be a parameter of another network
    CHECK_THAT(error_of([&] { zoo::load<cpu>(file); }), Catch::Contains("unexpected stray (1)"));
}

TEST_CASE("wrapped: a network whose own names begin with a wrapper's") {
    using wrapped = named<"model", named<"net", network>>;
    const auto own = renamed(mean(), [](const std::string& name) { return "model.net." + name; });
    const auto large = model<network, cpu>(mean())(sample());
    CHECK(distance(large, model<wrapped, cpu>(own)(sample())) == 0);
    CHECK(distance(large, model<wrapped, cpu>(weights_of(own))(sample())) == 0);
    CHECK(distance(large, model<wrapped, cpu>(mean())(sample())) == 0);
}

TEST_CASE("wrapped: training goes on from weights whose normalisation is folded") {
    trainable<network, cpu> net({.seed = 9});
    const auto values_of = [&](const std::string& name) {
        for (auto& p : net.parameters())
            if (p.name == name) return std::vector<float>(p.values().begin(), p.values().end());
        return std::vector<float>{};
    };
    tensor_file folded;
    for (auto& t : mean().tensors()) // of these, v alone: a filter of another length
        if (!t.name.ends_with("weight_g"))
            folded.add(tensor_of(t.name.ends_with("_v") ? t.name.substr(0, t.name.size() - 2) : t.name, t.shape,
                                 to_floats(t)));
    net.load(folded);
    const auto v = values_of("encoder.0.conv1.weight_v"), g = values_of("encoder.0.conv1.weight_g");
    CHECK(v == to_floats(folded.at("encoder.0.conv1.weight")));
    REQUIRE(g.size() == 8);
    for (std::size_t k = 0; k < g.size(); ++k) {
        double square = 0;
        for (std::size_t j = 0; j < v.size() / g.size(); ++j) square += std::pow(double(v[k * v.size() / 8 + j]), 2);
        CHECK(g[k] == Approx(std::sqrt(square)).epsilon(1e-6)); // rounded once
    }
}

TEST_CASE("wrapped: where nothing fits, a line lists the dictionaries") {
    tensor_file file;
    file.source = "w.pt";
    for (const char* name : {"net/a.weight", "net/b.weight", "optimizer/x", "net_d.w"})
        file.add(tensor_of(name, {1}, std::vector<float>{1}));
    file.opaque["args"] = "argparse.Namespace";
    const std::string contents =
        "it has net (2 tensors), optimizer (1 tensor), net_d. (1 tensor), "
        "args: argparse.Namespace, not read";
    CHECK_THAT(error_of([&] { zoo::load<cpu>(file); }),
               Catch::Contains("w.pt: its tensors are of no known network") && Catch::Contains(contents));
    CHECK_THAT(error_of([&] { model<network, cpu>{file}; }), Catch::Contains(contents));
    CHECK_THAT(zoo::try_load<cpu>(file).error(), Catch::Contains(contents));
    CHECK_THAT((try_model<network, cpu>(file).error()), Catch::Contains(contents));
    CHECK(zoo::try_load<cpu>(mean()).has_value());
}

TEST_CASE("wrapped: messages about weights that do not fit have eight entries and a count") {
    tensor_file file;
    file.source = "w.pt";
    for (int i = 0; i < 200; ++i) file.add(tensor_of("x" + std::to_string(i) + "/y", {1}, std::vector<float>{1}));
    const auto message = error_of([&] { model<zoo::supercool<2, 8, 1, 30>, cpu>{file}; });
    CHECK_THAT(message, Catch::Contains(" more") && Catch::Contains("and 192 more"));
    CHECK(message.size() < 1000);
    CHECK(message.find('\n') == std::string::npos);
    CHECK(error_of([&] { zoo::recognise(file); }).size() < 500);
}

TEST_CASE("wrapped: files of training programs give the picture of the bare weights") {
    FOVEA_NEEDS_DATA(folder, "cases/weights");
    const image small = sample(), large = zoo::load<cpu>(weights_of(read_tensor_file(folder / "plain.pth")))(small);
    int seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        INFO(name);
        ++seen;
        if (name == "whole_module.pth" || name == "torchscript.pt") {
            CHECK(contains(error_of([&] { read_tensor_file(entry.path()); }), "torch.save(model.state_dict(), ...)"));
            continue;
        }
        const auto file = read_tensor_file(entry.path());
        const int allowed = name == "float16.pth" || name == "bfloat16.pth" ? 1 : 0; // their weights are rounded
        CHECK(distance(large, zoo::load<cpu>(weights_of(file))(small)) <= allowed);
        CHECK(distance(large, zoo::load<cpu>(file)(small)) <= allowed);
        CHECK(distance(large, model<network, cpu>(weights_of(file))(small)) <= allowed);
    }
    CHECK(seen > 40);
}
