// Lesson 2: an activation and a layer of your own, and a test of their gradients.
//
// Prints the largest difference between the gradients of backward() and finite differences.
#include <fovea/fovea.hpp>

using namespace fovea;

// An activation is a function f and its derivative d. Ziyin et al. 2020, arXiv 2006.08195: x + sin^2 x.
struct snake : activation<snake> {
    template <class Real> static Real f(Real x) { return x + std::sin(x) * std::sin(x); }
    template <class Real> static Real d(Real x) { return 1 + std::sin(2 * x); }
};

// A layer states the channels that it takes and gives, and traces other layers under names for their parameters; here x
// + scale * snake(x) + offset, with a learned scale and offset for each channel.
template <int C> struct scaled_snake : maps<C, C> {
    template <class T, ratio S> static constexpr value<C, S> trace(T& t, value<C, S> x) {
        return apply<residual<snake, named<"scale", depthwise<C, 1>>>>(t, "snake", x);
    }
};

using network = sequential<conv<3, 6, 3>, scaled_snake<6>, conv<6, 12, 3>, pixel_shuffle<2>>;
static_assert(network::scale == 2 && network::receptive_radius == 2); // these are compile-time constants

// The plain loops of the reference backend also run in double, which makes finite differences accurate to ten digits.
using net_of_doubles = trainable<network, basic_reference<double>>;

double loss_of(net_of_doubles& net, const tensor<double>& x, const tensor<double>& target) {
    net.weights_changed();
    const auto y = net.forward(x.view()); // must precede output_gradient()
    return l2_loss{}(y, target.view(), net.output_gradient());
}

int main() {
    random_stream random(1);
    tensor<double> x(2, 5, 4, 3), target(2, 10, 8, 3);
    for (auto* t : {&x, &target})
        for (std::size_t i = 0; i < t->size(); ++i) t->data()[i] = double(random.normal());

    net_of_doubles net({.seed = 2});
    for (auto& p : net.parameters()) // so that no weight is zero, where a wrong gradient may hide
        for (double& w : p.values()) w += 0.3 * double(random.normal());
    loss_of(net, x, target); // fills the gradient of the output
    net.backward();          // adds to the gradients of the parameters

    double worst = 0;
    constexpr double step = 1e-5; // error of the difference: about step^2 + 1e-16 / step
    for (auto& p : net.parameters()) {
        for (std::size_t i = 0; i < p.size(); ++i) {
            const double w = p.value[i];
            p.value[i] = w + step;
            const double above = loss_of(net, x, target);
            p.value[i] = w - step;
            const double below = loss_of(net, x, target);
            p.value[i] = w;
            worst = std::max(worst, std::abs((above - below) / (2 * step) - p.gradient[i]));
        }
        std::printf("%-24s %4zu numbers, largest difference so far %.1e\n", p.name.c_str(), p.size(), worst);
    }
    return worst < 1e-7 ? 0 : 1;
}
