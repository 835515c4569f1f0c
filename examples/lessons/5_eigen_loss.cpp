// Lesson 5: a loss by Eigen, on the features of a frozen network: style, its gradient tested, and what it adds to L1.
//
// L1 asks for the most probable pixels, and where a texture is finer than what the network sees, these are a blur. Style
// (Gatys et al. 2016, CVPR) compares which features occur together and forgets where: the Gram matrices of a layer.
// Ustyuzhaninov et al. (arXiv 1606.00021) found that one layer of random filters is enough to tell textures apart.
#include <fovea/fovea.hpp>
#include <fovea/tensor/eigen.hpp>

using namespace fovea;

template <class Real> using matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

// F^T F / (H W), (C,C), of one image's features F, (H W, C). as_matrix() maps the pixels of a row, (W,C), where they are:
// the rows of what a network gives may lie apart in memory.
template <class Real> matrix<Real> gram_of(tensor_view<const Real> f, int image) {
    matrix<Real> gram = matrix<Real>::Zero(f.channels(), f.channels());
    for (int h = 0; h < f.height(); ++h) gram += as_matrix(f, image, h).transpose() * as_matrix(f, image, h);
    return gram / Real(f.height() * f.width());
}

// The mean over images and pairs of channels of (gram(y) - gram(target))^2.
template <class Real> struct style_loss {
    basic_frozen<Real>* features; // no weight of it gets a gradient; what it reads does

    double operator()(tensor_view<const Real> y, tensor_view<const Real> target, tensor_view<Real> dy,
                      double weight = 1) const {
        std::vector<matrix<Real>> wanted;
        const auto f_target = features->forward(target); // valid until the next forward()
        for (int n = 0; n < y.batch(); ++n) wanted.push_back(gram_of(f_target, n));

        const auto f = features->forward(y);
        const auto df = features->output_gradient();
        const double pairs = double(y.batch()) * f.channels() * f.channels();
        double sum = 0;
        for (int n = 0; n < y.batch(); ++n) {
            const matrix<Real> difference = gram_of(f, n) - wanted[std::size_t(n)]; // symmetric
            sum += double(difference.squaredNorm());
            const Real scale = Real(weight * 4 / (pairs * f.height() * f.width()));
            for (int h = 0; h < f.height(); ++h) as_matrix(df, n, h) = scale * as_matrix(f, n, h) * difference;
        }
        const auto dx = features->backward(); // the gradient of the features' input, which is y
        for (int n = 0; n < y.batch(); ++n)
            for (int h = 0; h < y.height(); ++h) as_matrix(dy, n, h) += as_matrix(dx, n, h);
        return sum / pairs;
    }
};
static_assert(pixel_loss<style_loss<float>>);

using filters = conv<3, 16, 5, relu>;

// The test that every gradient deserves: finite differences in double, as in lesson 3.
double worst_gradient() {
    trainable<filters, basic_reference<double>> network({.seed = 4});
    basic_frozen<double> frozen = network.frozen();
    const style_loss<double> loss{&frozen};
    random_stream random(1);
    tensor<double> y(2, 5, 6, 3), target(2, 5, 6, 3), dy(2, 5, 6, 3), unused(2, 5, 6, 3);
    for (auto* t : {&y, &target})
        for (std::size_t i = 0; i < t->size(); ++i) t->data()[i] = double(random.normal());
    const auto value = [&](tensor<double>& to) { return loss(std::as_const(y).view(), target.view(), to.view()); };
    value(dy);
    double worst = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        constexpr double step = 1e-6;
        const double before = y.data()[i];
        y.data()[i] = before + step;
        const double above = value(unused);
        y.data()[i] = before - step;
        worst = std::max(worst, std::abs((above - value(unused)) / (2 * step) - dy.data()[i]));
        y.data()[i] = before;
    }
    return worst;
}

// How far the style of the enlarged picture is from that of the target, after training with the loss.
using network = sum<sequential<conv<3, 16, 3, silu>, conv<16, 12, 3>, pixel_shuffle<2>>, upsample<2, bicubic>>;

template <class Loss>
double style_after(const Loss& loss, const style_loss<float>& style, const tensor<float>& x,
                   const tensor<float>& target) {
    trainable<network, cpu> net({.seed = 2, .gain = 0.5});
    trainer fit(net, adam{}, {.rate = {.base = 3e-3}});
    for (int i = 0; i < 800; ++i) fit.step(x.view(), target.view(), loss);
    tensor<float> unused(1, target.height(), target.width(), 3);
    return style(net.forward(x.view(), true), target.view(), unused.view());
}

int main() {
    const double worst = worst_gradient();
    std::printf("largest difference of the gradient: %.1e\n", worst);

    // A texture of single pixels, and the means of its squares of two: nothing is left of where a bright one was.
    tensor<float> target(1, 32, 32, 3), x(1, 16, 16, 3);
    random_stream random(3);
    for (int h = 0; h < 32; ++h)
        for (int w = 0; w < 32; ++w) {
            const float value = random.uniform() < 0.5f ? 0.2f : 0.8f;
            for (int c = 0; c < 3; ++c) {
                target.at(0, h, w)[c] = value;
                x.at(0, h / 2, w / 2)[c] += value / 4;
            }
        }

    trainable<filters, cpu> looks({.seed = 4});
    basic_frozen<float> frozen = looks.frozen();
    const style_loss<float> style{&frozen};
    const double of_l1 = style_after(l1_loss{}, style, x, target);
    const double of_both = style_after(weighted_sum{l1_loss{}, 1., style, 1000.}, style, x, target);
    std::printf("distance of the style after training with L1 %.2e, with L1 and style %.2e\n", of_l1, of_both);
    return worst < 1e-7 && of_both < of_l1 / 3 ? 0 : 1;
}
