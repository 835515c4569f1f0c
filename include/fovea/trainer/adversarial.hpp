// An upscaler that learns against a critic, a network that learns to tell enlarged images from real ones. For each
// batch the critic sees the targets and the upscaled images together and learns by the binary cross-entropy of its
// logits, 1 for real and 0 for upscaled. Then the upscaler's loss is
//
//   rec / |rec| + bce / |bce|
//
// with each divisor a constant, where rec is a loss of the image beside its target and bce that of the critic for
// upscaled images that are called real. Goodfellow et al. 2014, arXiv 1406.2661; for super-resolution Ledig et al.
// 2017, arXiv 1609.04802.
//
// The critic that the upscaler sees normalises by its running estimates. Those of a batch without real images would
// hide just what tells the two apart.
#pragma once
#include "fovea/loss/classification.hpp"
#include "fovea/loss/weighted_sum.hpp"
#include "fovea/trainer/trainer.hpp"

namespace fovea {

struct adversarial_report {
    step_report upscaler, critic; // the upscaler's has the loss rec; nothing where it did not learn
    double bce = 0;               // of the upscaler's loss; not on a GPU
    int right = 0, seen = 0;      // images of the micro-batch that the critic calls what they are, of so many; this
                                  // process's share alone
};

// How many of the logits (N,1,1,1) call their images what they are.
inline int right_of(tensor_view<const float> logits, bool real) {
    int right = 0;
    for (int n = 0; n < logits.batch(); ++n) right += (*logits.at(n, 0, 0) > 0) == real;
    return right;
}

class adversarial_trainer {
  public:
    using images = tensor_view<const float>; // (N,H,W,C)

    // The trainers outlive it. On a GPU nothing of a step passes through the host where the critic was made beside the
    // upscaler (trainable_options::beside) and the loss is made of terms.
    adversarial_trainer(trainer& upscaler, trainer& critic, loss_function rec)
        : upscaler_(upscaler),
          critic_(critic),
          rec_(std::move(rec)),
          frozen_(critic.network().frozen({.batch_statistics = false})) {}

    // One micro-batch: inputs and targets. meanwhile() as trainer::step calls it, where the upscaler learns.
    adversarial_report step(images x, images t, bool upscaler_learns, const std::function<void()>& meanwhile = {}) {
        training_engine* const engine = upscaler_.network().engine();
        training_engine* const of_critic = critic_.network().engine();
        if (engine && of_critic && engine->queue() == of_critic->queue() && !rec_.terms().empty())
            return step_on_device(*engine, *of_critic, x, t, upscaler_learns, meanwhile);
        adversarial_report r;
        const images y = upscaler_.network().forward(x);
        teach_critic(t, y, r);
        if (upscaler_learns) r.upscaler = upscaler_.finish(fill_gradient(t, y, r.bce), x);
        return r;
    }

    // The critic as the upscaler sees it: logits (N,1,1,1).
    images look_at(images x) { return frozen_.forward(x); }

  private:
    template <class T> static tensor_view<T> some(tensor_view<T> all, int first, int count) {
        return {all.at(first, 0, 0), count, all.height(), all.width(), all.channels(), all.row_stride(),
                all.image_stride()};
    }
    void copy_to_both(int first, images from) {
        for (int n = 0; n < from.batch(); ++n)
            for (int y = 0; y < from.height(); ++y)
                std::copy_n(from.at(n, y, 0), from.width() * from.channels(), both_.at(first + n, y, 0));
    }
    images both(images t, images y) {
        const int n = t.batch();
        if (both_.batch() != 2 * n || both_.height() != t.height() || both_.width() != t.width())
            both_ = tensor<float>(2 * n, t.height(), t.width(), t.channels());
        copy_to_both(0, t), copy_to_both(n, y);
        return std::as_const(both_).view();
    }
    // Of logits of real images, then of as many upscaled ones.
    static void count_right(images logits, adversarial_report& r) {
        const int n = logits.batch() / 2;
        r.right = right_of(some(logits, 0, n), true) + right_of(some(logits, n, n), false), r.seen = 2 * n;
    }

    void teach_critic(images t, images y, adversarial_report& r) {
        const int n = t.batch();
        const images input = both(t, y), logits = critic_.network().forward(input);
        const auto dy = critic_.network().output_gradient();
        const double weight = 0.5 * critic_.share();
        double loss = 0;
        for (bool real : {true, false}) {
            const int first = real ? 0 : n;
            loss += 0.5 * bce_(some(logits, first, n), real, some(dy, first, n), weight);
        }
        count_right(logits, r);
        r.critic = critic_.finish(loss, input);
    }

    // Of the upscaler's output. Returns rec: the sum that is minimised is two.
    double fill_gradient(images t, images y, double& bce_of_batch) {
        const auto dy = upscaler_.network().output_gradient();
        const double rec = rec_(y, t, dy, 1);
        const images logits = frozen_.forward(y);
        const double bce = bce_(logits, 1., frozen_.output_gradient());
        double whole[] = {rec, bce}; // of the batch, whose share this is
        if (training_group* const group = upscaler_.group()) {
            group->sum(std::span(whole));
            for (double& of : whole) of /= group->size();
        }
        bce_of_batch = whole[1];
        if (!std::isfinite(whole[0] + whole[1])) return whole[0] + whole[1];
        const double each = upscaler_.share();
        mix(dy, each * detached_ratio(whole[0]), frozen_.backward(), each * detached_ratio(whole[1]));
        return rec;
    }
    // dy = a dy + b from_critic
    static void mix(tensor_view<float> dy, double a, images from_critic, double b) {
        for (int n = 0; n < dy.batch(); ++n)
            for (int h = 0; h < dy.height(); ++h) {
                float* to = dy.at(n, h, 0);
                const float* from = from_critic.at(n, h, 0);
                for (int i = 0; i < dy.width() * dy.channels(); ++i)
                    to[i] = float(a * double(to[i]) + b * double(from[i]));
            }
    }

    adversarial_report step_on_device(training_engine& engine, training_engine& of_critic, images x, images t,
                                      bool upscaler_learns, const std::function<void()>& meanwhile) {
        adversarial_report r;
        upscaler_.load(x, t), engine.forward(false);
        const device_tensor parts[] = {engine.target_on_device(), engine.output_on_device()};
        of_critic.load(parts);
        of_critic.learn({{.kind = loss_kind::cross_entropy, .weight = 0.5, .parameter = 1, .images = t.batch()},
                         {.kind = loss_kind::cross_entropy, .weight = 0.5, .first = t.batch(), .images = t.batch()}},
                        critic_.share(), critic_.is_last());
        r.critic = critic_.after_backward(0, [&] { return both(t, engine.output()); });
        count_right(of_critic.output(), r);
        if (!upscaler_learns) return r;
        engine.learn(rec_.terms(), *frozen_.engine(), bce_.terms(1, 1), upscaler_.share(), upscaler_.is_last());
        r.upscaler = upscaler_.after_backward(
            0, [&] { return x; }, meanwhile);
        return r;
    }

    trainer &upscaler_, &critic_;
    loss_function rec_;
    basic_frozen<float> frozen_;
    binary_cross_entropy_with_logits bce_;
    tensor<float> both_; // targets, then upscaled
};

} // namespace fovea
