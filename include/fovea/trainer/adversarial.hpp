// An upscaler that learns against a critic, a network that learns to tell enlarged images from real ones. For each
// batch the critic sees the targets and the upscaled images together and learns by the binary cross-entropy of its
// logits, 1 for real and 0 for upscaled. Then the upscaler's loss is
//
//   rec / |rec| + bce / |bce|
//
// where rec is a loss of the image and its target, and bce the cross-entropy of the critic's logits with the answer
// "real". The divisors count as constants. Goodfellow et al. 2014, arXiv 1406.2661; for super-resolution Ledig et al.
// 2017, arXiv 1609.04802.
//
// The critic that the upscaler learns from normalises by its running estimates, because the statistics of a batch
// without real images would hide what tells the two apart.
#pragma once
#include "fovea/loss/classification.hpp"
#include "fovea/trainer/trainer.hpp"

namespace fovea {

// The results of a micro-batch of adversarial training.
struct adversarial_report {
    step_report upscaler, critic; // the upscaler's has the loss rec, and is empty where it did not learn
    double bce = 0;               // part of the upscaler's loss, over all processes; 0 where a GPU computes it
    // Images of the micro-batch in this process that the critic told right, and all that it saw.
    int right = 0, seen = 0;
};

// Counts the logits (N,1,1,1) that tell right whether their image is real.
inline int right_of(tensor_view<const float> logits, bool real) {
    int right = 0;
    for (int n = 0; n < logits.batch(); ++n) right += (*logits.at(n, 0, 0) > 0) == real;
    return right;
}

namespace detail {

template <class T> tensor_view<T> some_images(tensor_view<T> all, int first, int count) {
    return {all.at(first, 0, 0), count, all.height(), all.width(), all.channels(), all.row_stride(),
            all.image_stride()};
}

// The critic's loss for logits (2N,1,1,1) of N real images and then of N upscaled ones: the mean of both halves.
struct real_then_upscaled {
    int images; // N
    double operator()(tensor_view<const float> x, tensor_view<const float>, tensor_view<float> dx,
                      double weight) const {
        double loss = 0;
        for (bool real : {true, false}) {
            const int first = real ? 0 : images;
            loss += 0.5 * binary_cross_entropy_with_logits{}(some_images(x, first, images), real,
                                                             some_images(dx, first, images), 0.5 * weight);
        }
        return loss;
    }
    loss_terms terms(double weight) const {
        const double half = 0.5 * weight;
        return {{.kind = loss_kind::cross_entropy, .weight = half, .parameter = 1, .images = images},
                {.kind = loss_kind::cross_entropy, .weight = half, .first = images, .images = images}};
    }
};
// The upscaler's loss for the critic's logits: the answer should be "real" for all images.
struct called_real {
    double operator()(tensor_view<const float> x, tensor_view<const float>, tensor_view<float> dx,
                      double weight) const {
        return binary_cross_entropy_with_logits{}(x, 1., dx, weight);
    }
    loss_terms terms(double weight) const { return binary_cross_entropy_with_logits{}.terms(1, weight); }
};

} // namespace detail

// Trains an upscaler and a critic in turn, each by a trainer of its own.
class adversarial_trainer {
  public:
    using images = tensor_view<const float>; // (N,H,W,C)

    // The trainers must outlive it. On a GPU nothing of a step passes through the host if the critic was made beside
    // the upscaler (trainable_options::beside) and the loss is made of terms.
    adversarial_trainer(trainer& upscaler, trainer& critic, loss_function rec)
        : upscaler_(upscaler),
          critic_(critic),
          rec_(std::move(rec)),
          frozen_(critic.network().frozen({.batch_statistics = false})) {}

    // Takes one micro-batch of inputs and targets. meanwhile() is called as by trainer::step, if the upscaler learns.
    adversarial_report step(images x, images t, bool upscaler_learns, const std::function<void()>& meanwhile = {}) {
        training_engine &engine = upscaler_.engine(), &of_critic = critic_.engine();
        adversarial_report r;
        engine.load({x, t}), engine.forward(false);
        load_both(of_critic, engine, t);
        const auto critic_loss =
            of_critic.learn(detail::real_then_upscaled{t.batch()}, critic_.share(), critic_.is_last());
        r.critic = critic_.complete(critic_loss, [&] { return both(t, engine.output()); });
        count_right(of_critic.output(), r);
        if (!upscaler_learns) return r;
        const auto losses =
            engine.learn(rec_, frozen_.engine(), detail::called_real{}, upscaler_.share(), upscaler_.is_last());
        if (losses) r.bce = losses->of_frozen;
        r.upscaler = upscaler_.complete(
            losses ? std::optional(losses->own) : std::nullopt, [&] { return x; }, meanwhile);
        return r;
    }

    // Returns the logits (N,1,1,1) of the critic that the upscaler learns from.
    images look_at(images x) { return frozen_.forward(x); }

  private:
    // Gives the critic targets, then upscaled images: in place if it can read the upscaler's memory.
    void load_both(training_engine& of_critic, training_engine& engine, images t) {
        if (of_critic.memory() != engine.memory()) return of_critic.load(both(t, engine.output()));
        const images parts[] = {engine.target_in_place(), engine.output_in_place()};
        of_critic.load(parts);
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
    // logits: of real images, then of as many upscaled ones.
    static void count_right(images logits, adversarial_report& r) {
        const int n = logits.batch() / 2;
        r.right =
            right_of(detail::some_images(logits, 0, n), true) + right_of(detail::some_images(logits, n, n), false);
        r.seen = 2 * n;
    }

    trainer &upscaler_, &critic_;
    loss_function rec_;
    basic_frozen<float> frozen_;
    tensor<float> both_; // targets, then upscaled
};

} // namespace fovea
