// Trains an upscaler further against a critic, a network that learns to tell enlarged images from real ones:
//   fine_tune --base-model-path checkpoints/checkpoint --train-images-path photos
//
// For each batch: the critic sees the targets and the upscaled images as one batch and learns by the binary
// cross-entropy of its logits, 1 for real and 0 for upscaled. After --critic-warmup-epochs the upscaler's loss is
//   rec / |rec| + bce / |bce|
// with each divisor a constant, where rec is the loss of pretraining and bce that of the critic for upscaled images
// that are called real. Goodfellow et al. 2014, arXiv 1406.2661; for super-resolution Ledig et al. 2017, arXiv
// 1609.04802.
//
// Upscaled images are what the network gives, not clamped: a clamp has no gradient where the critic could teach most.
// The critic that the upscaler sees normalises by its running estimates. Those of a batch without real images would
// hide just what tells the two apart.
#include "common/enlarger.hpp"
#include "common/training_session.hpp"

using namespace fovea;
using programs::image_batch;
using programs::training_session;

namespace {

basic_trainable<float> make_critic(const std::string& size, trainable_options o) {
    o.gain = 0.4; // variance 1 / (3 inputs), the customary start of convolutions before normalisations
    if (size == "large") return trainable<zoo::critic_large, cpu>(o);
    if (size == "medium") return trainable<zoo::critic_medium, cpu>(o);
    return trainable<zoo::critic_small, cpu>(o);
}

template <class T> tensor_view<T> some(tensor_view<T> all, int first, int count) {
    return {all.at(first, 0, 0), count, all.height(), all.width(), all.channels(), all.row_stride(),
            all.image_stride()};
}

void copy_into(tensor<float>& to, int first, image_batch from) {
    for (int n = 0; n < from.batch(); ++n)
        for (int y = 0; y < from.height(); ++y)
            std::copy_n(from.at(n, y, 0), from.width() * from.channels(), to.at(first + n, y, 0));
}

// dy = a dy + b from_critic
void mix(tensor_view<float> dy, double a, image_batch from_critic, double b) {
    for (int n = 0; n < dy.batch(); ++n)
        for (int h = 0; h < dy.height(); ++h) {
            float* to = dy.at(n, h, 0);
            const float* from = from_critic.at(n, h, 0);
            for (int i = 0; i < dy.width() * dy.channels(); ++i) to[i] = float(a * double(to[i]) + b * double(from[i]));
        }
}

// How many of the logits call their image what it is.
int right_of(image_batch logits, bool real) {
    int right = 0;
    for (int n = 0; n < logits.batch(); ++n) right += (*logits.at(n, 0, 0) > 0) == real;
    return right;
}

class duel {
  public:
    duel(const programs::training_options& o, const std::string& critic_size, double critic_rate)
        : session_(o),
          critic_(make_critic(critic_size, {.seed = o.common.seed + 1,
                                            .threads = &session_.threads(),
                                            .precision = programs::precision_of(o.precision)})),
          frozen_(critic_.frozen({.batch_statistics = false})),
          critic_fit_(critic_, o.make_optimizer(), critic_options(o, critic_rate)),
          loss_(o.make_loss()),
          warmup_(std::uint64_t(o.critic_warmup_epochs)) {}

    void run() {
        session_.run(
            [this](image_batch x, image_batch t) { return step(x, t); },
            {.save = [this](tensor_file& file) { critic_fit_.save(file, "critic/"), critic_fit_.keep_state(); },
             .load = [this](const tensor_file& file) { critic_fit_.load(file, "critic/"); },
             .status = [this] { return status(); },
             .steps = [this] { return critic_fit_.steps(); },
             .accuracy = [this](image_batch original, image_batch made) { return accuracy(original, made); },
             .keeps_best = false}); // a critic's work lowers PSNR: the best weights are the last
    }

  private:
    trainer_options critic_options(const programs::training_options& o, double rate) const {
        trainer_options of = o.trainer(session_.total_steps());
        of.rate.base = rate, of.ema_decay = 0;
        return of;
    }

    step_report step(image_batch x, image_batch t) {
        if (critic_fit_.between_steps()) {
            warming_up_ = session_.epoch() < warmup_;
            critic_fit_.expect(session_.micro_batches());
        }
        const image_batch y = session_.network().forward(x);
        const step_report of_critic = teach_critic(t, y);
        if (warming_up_) return of_critic;
        step_report r = session_.fit().finish(upscaler_loss(t, y), x);
        if (r.problem.empty() && !of_critic.problem.empty()) r.problem = "the critic: " + of_critic.problem;
        return r;
    }

    step_report teach_critic(image_batch t, image_batch y) {
        const int n = t.batch();
        if (both_.batch() != 2 * n) both_ = tensor<float>(2 * n, t.height(), t.width(), t.channels());
        copy_into(both_, 0, t), copy_into(both_, n, y);
        const image_batch logits = critic_.forward(both_.view());
        const auto dy = critic_.output_gradient();
        const double weight = 0.5 / critic_fit_.micro_batches();
        double loss = 0;
        for (bool real : {true, false}) {
            const int first = real ? 0 : n;
            loss += 0.5 * bce_(some(logits, first, n), real, some(dy, first, n), weight);
            right_ += right_of(some(logits, first, n), real);
        }
        seen_ += 2 * n, loss_sum_ += loss * 2 * n;
        return critic_fit_.finish(loss, both_.view());
    }

    // Fills the gradient of the upscaler's output. Returns the loss of pretraining: the sum that is minimised is two.
    double upscaler_loss(image_batch t, image_batch y) {
        const auto dy = session_.network().output_gradient();
        const double reconstruction = loss_(y, t, dy, 1);
        const image_batch logits = frozen_.forward(y);
        const double adversarial = bce_(logits, 1., frozen_.output_gradient());
        if (!std::isfinite(reconstruction + adversarial)) return reconstruction + adversarial;
        const double each = 1. / session_.micro_batches();
        mix(dy, each * detached_ratio(reconstruction), frozen_.backward(), each * detached_ratio(adversarial));
        return reconstruction;
    }

    double accuracy(image_batch original, image_batch made) {
        int right = right_of(frozen_.forward(original), true);
        right += right_of(frozen_.forward(made), false);
        return double(right) / (2 * original.batch());
    }

    // Means over the micro-batches since the last call, which are those of a step.
    std::string status() {
        char text[80];
        std::snprintf(text, sizeof text, "critic loss %.4f, critic accuracy %.3f, ", loss_sum_ / double(seen_),
                      double(right_) / double(seen_));
        seen_ = right_ = 0, loss_sum_ = 0;
        return text;
    }

    training_session session_;
    basic_trainable<float> critic_;
    basic_frozen<float> frozen_;
    trainer critic_fit_;
    loss_function loss_;
    binary_cross_entropy_with_logits bce_;
    std::uint64_t warmup_;
    bool warming_up_ = false;
    tensor<float> both_; // targets, then upscaled
    std::int64_t seen_ = 0, right_ = 0;
    double loss_sum_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    programs::training_options o;
    o.checkpoint_path = "checkpoints/fine-tune", o.run_dir_path = "runs/fine-tune";
    o.num_epochs = 100, o.critic_warmup_epochs = 3;
    std::string base = "checkpoints/checkpoint", critic_size = "small";
    double critic_rate = 0;
    CLI::App app("Trains an upscaler further, against a critic that learns to tell its images from real ones.");
    const auto add = [&](const char* name, auto& value, const char* what) {
        return app.add_option(programs::both_spellings(name), value, what)->capture_default_str();
    };
    add("--base-model-path", base, "weights to begin with: a file, or the --checkpoint-path of pretrain");
    add("--critic-warmup-epochs", o.critic_warmup_epochs, "epochs at the start in which the critic alone learns")
        ->check(CLI::Range(0, 1 << 20));
    add("--critic-model-size", critic_size, "small, medium or large")
        ->check(CLI::IsMember({"small", "medium", "large"}));
    add("--critic-learning-rate", critic_rate, "0: --learning-rate")->check(CLI::NonNegativeNumber);
    o.add_to(app);
    return programs::run_program(app, argc, argv, [&] {
        if (std::filesystem::path(base).lexically_normal() ==
            std::filesystem::path(o.checkpoint_path).lexically_normal())
            programs::fail_usage("--checkpoint-path ", o.checkpoint_path,
                                 ": is that of the base model: expected another one");
        if (o.patience > 0 && app.count("--patience") > 0)
            programs::fail_usage("--patience ", o.patience,
                                 ": no weights of a fine-tuning are the best ones: expected 0");
        o.take_base(base, app.count("--colour-space") == 0);
        o.complete(app);
        if (critic_rate == 0) critic_rate = o.learning_rate;
        o.more_settings = {{"critic-model-size", critic_size},
                           {"critic-warmup-epochs", text_of(o.critic_warmup_epochs)},
                           {"critic-learning-rate", programs::setting_of(critic_rate)}};
        duel(o, critic_size, critic_rate).run();
    });
}
