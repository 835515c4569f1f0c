// Networks of any depth begin near the identity: the first loss does not grow with the number of blocks.
#include "fovea/fovea.hpp"
#include "support/catch.hpp"

using namespace fovea;

namespace {

// Of values as images have them, by the gain that pretrain has for SuperCool.
template <int Scale, int Channels> double first_loss(int depth) {
    trainable<zoo::supercool<Scale, Channels, 1, dynamic>, cpu> net(
        {.depth = {{"encoder", depth}}, .seed = 3, .gain = 2});
    tensor<float> x(2, 6, 6, 3), t(2, 6 * Scale, 6 * Scale, 3);
    random_stream random(17, 0);
    for (tensor<float>* of : {&x, &t})
        for (std::size_t i = 0; i < of->size(); ++i) of->data()[i] = 0.5f + 0.2f * float(random.normal());
    const auto y = net.forward(x.view());
    return l2_loss{}(y, std::as_const(t).view(), net.output_gradient());
}

} // namespace

TEST_CASE("the first loss is small in networks of 2 to 32 blocks") {
    for (int depth : {2, 4, 8, 16, 32}) {
        INFO(depth << " blocks");
        const double x4 = first_loss<4, 32>(depth), x2 = first_loss<2, 8>(depth);
        CHECK(x4 < 1);
        CHECK(x2 < 1);
    }
}

TEST_CASE("branches in a repeat begin smaller, by the root of its length") {
    using block = residual<named<"first", conv<4, 4, 1>>, named<"second", starts_small<conv<4, 4, 1>>>>;
    using net = sequential<named<"blocks", repeat<9, block>>, named<"last", starts_small<conv<4, 4, 1>>>>;
    const graph g = detail::trace_network<net, cpu, training>({}, convolution_method::automatic);
    for (auto& w : g.weights) {
        const std::string name = g.name(w);
        INFO(name);
        if (!name.ends_with("weight")) continue;
        const double expected = name.ends_with("first.weight") ? 1 : name.starts_with("last") ? 0.1 : 0.1 / 3;
        CHECK(w.start.gain == Approx(expected));
    }
    for (int n : {1, 2, 9, 1000, 1 << 20}) CHECK(detail::inverse_root(n) == Approx(1 / std::sqrt(double(n))));
}
