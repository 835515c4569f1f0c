// Lesson 3: a loss of your own, a test of its gradient, and a network trained with it.
//
// The loss compares edges: the mean over horizontal neighbours of (d(x+1) - d(x))^2, where d = y - target. A colour
// that is wrong everywhere by the same amount does not change it, so it is used together with a loss that sees that.
#include <fovea/fovea.hpp>

using namespace fovea;

// A loss is a function of y, target and dy, all (N,H,W,C): it returns its value and adds weight times its gradient to
// dy.
struct edge_loss {
    template <class Real>
    double operator()(tensor_view<const Real> y, tensor_view<const Real> target, tensor_view<Real> dy,
                      double weight = 1) const {
        const int numbers = (y.width() - 1) * y.channels(); // numbers of a row that have a right neighbour
        const double pairs = double(y.batch()) * y.height() * numbers;
        double sum = 0;
        for (int n = 0; n < y.batch(); ++n)
            for (int h = 0; h < y.height(); ++h) {
                const Real *a = y.at(n, h, 0), *b = target.at(n, h, 0);
                Real* da = dy.at(n, h, 0);
                for (int i = 0, right = y.channels(); i < numbers; ++i, ++right) {
                    const double edge = (double(a[right]) - double(b[right])) - (double(a[i]) - double(b[i]));
                    sum += edge * edge;
                    da[right] += Real(weight * 2 * edge / pairs);
                    da[i] -= Real(weight * 2 * edge / pairs);
                }
            }
        return sum / pairs;
    }
};
static_assert(pixel_loss<edge_loss>);

tensor<double> random_tensor(std::uint64_t seed) {
    random_stream random(seed);
    tensor<double> t(2, 3, 5, 3);
    for (std::size_t i = 0; i < t.size(); ++i) t.data()[i] = double(random.normal());
    return t;
}

double worst_gradient() {
    tensor<double> y = random_tensor(1), unused = random_tensor(2), dy(2, 3, 5, 3);
    const tensor<double> target = random_tensor(3);
    const auto loss = [&](tensor<double>& to) {
        return edge_loss{}(std::as_const(y).view(), target.view(), to.view());
    };
    loss(dy);
    double worst = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        constexpr double step = 1e-5;
        const double before = y.data()[i];
        y.data()[i] = before + step;
        const double above = loss(unused);
        y.data()[i] = before - step;
        worst = std::max(worst, std::abs((above - loss(unused)) / (2 * step) - dy.data()[i]));
        y.data()[i] = before;
    }
    return worst;
}

int main() {
    const double worst = worst_gradient();
    std::printf("largest difference of the gradient: %.1e\n", worst);

    trainable<sequential<conv<3, 8, 3, silu>, conv<8, 3, 3>>, cpu> net({.seed = 1});
    trainer fit(net, adam{}, {.rate = {.base = 3e-3}});
    tensor<float> x(1, 24, 24, 3), target(1, 24, 24, 3); // stripes; the network learns to halve their brightness
    for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = float(i / 9 % 2), target.data()[i] = x.data()[i] / 2;
    double first = 0, last = 0;
    for (int i = 0; i < 200; ++i) {
        last = fit.step(x.view(), target.view(), weighted_sum{l1_loss{}, 1., edge_loss{}, 0.5}).loss;
        if (i == 0) first = last;
    }
    std::printf("loss %.4f, after 200 steps %.4f\n", first, last);
    return worst < 1e-8 && last < first / 5 ? 0 : 1;
}
