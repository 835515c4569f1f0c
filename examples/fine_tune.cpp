// Trains an upscaler further against a critic, a network that learns to tell enlarged images from real ones:
//   fine_tune --base-model-path checkpoints/checkpoint --train-images-path photos
//
// trainer/adversarial.hpp explains a step. In the epochs of --critic-warmup-epochs only the critic learns.
//
// The critic sees the network's output without a clamp, which would have no gradient where the critic could teach most.
#include "common/enlarger.hpp"
#include "common/on_gpu.hpp"
#include "common/training_session.hpp"

using namespace fovea;
using programs::image_batch;
using programs::training_session;

namespace {

basic_trainable<float> make_critic(const std::string& size, const std::string& device, const trainable_options& o) {
    return device == "cuda" ? programs::critic_on_gpu(size, o) : zoo::critic_to_train<cpu>(size, o);
}

class duel {
  public:
    duel(const programs::training_options& o, const std::string& critic_size, double critic_rate)
        : session_(o),
          critic_(make_critic(critic_size, o.common.device,
                              {.seed = o.common.seed + 1,
                               .gain = 0.4, // variance 1 / (3 inputs), as is customary in front of normalisations
                               .threads = &session_.threads(),
                               .precision = programs::precision_of(o.precision),
                               .beside = &session_.network().engine()})),
          critic_fit_(critic_, o.make_optimizer(), critic_options(o, critic_rate), session_.group()),
          both_(session_.fit(), critic_fit_, session_.loss()),
          warmup_(std::uint64_t(o.critic_warmup_epochs)) {
        critic_.between_operations(session_.stop_check());
    }

    void run() {
        session_.run([this](image_batch x, image_batch t, auto& meanwhile) { return step(x, t, meanwhile); },
                     {.save =
                          [this](tensor_file& file) {
                              critic_fit_.check_same_weights();
                              critic_fit_.save(file, "critic/"), critic_fit_.keep_state();
                          },
                      .load = [this](const tensor_file& file) { critic_fit_.load(file, "critic/"); },
                      .status = [this] { return status(); },
                      .log = [this] { return std::exchange(logged_, {}); },
                      .learns = [this] { return !warming_up_; },
                      .steps = [this] { return critic_fit_.steps(); },
                      .give_up_step = [this] { critic_fit_.give_up_step(); },
                      .may_give_up = [this] { return !in_step_ || critic_done() == critic_before_; },
                      .accuracy = [this](image_batch original, image_batch made) { return accuracy(original, made); },
                      .keeps_best = false}); // a critic lowers PSNR, so the last weights count as the best
    }

  private:
    trainer_options critic_options(const programs::training_options& o, double rate) const {
        trainer_options of = o.trainer(session_.total_steps());
        of.rate.base = rate, of.ema_decay = 0;
        return of;
    }

    step_report step(image_batch x, image_batch t, const std::function<void()>& meanwhile) {
        if (critic_fit_.between_steps()) {
            warming_up_ = session_.epoch() < warmup_;
            critic_fit_.expect(session_.micro_batches());
        }
        in_step_ = true, critic_before_ = critic_done();
        adversarial_report r = both_.step(x, t, !warming_up_, meanwhile);
        in_step_ = false;
        right_ += r.right, seen_ += r.seen;
        if (r.critic.complete) critic_loss_ = logged_["critic loss"] = r.critic.loss;
        if (r.upscaler.complete && r.bce != 0) logged_["bce"] = r.bce; // value of the last micro-batch
        if (warming_up_) return r.critic;
        if (r.upscaler.problem.empty() && !r.critic.problem.empty())
            r.upscaler.problem = "the critic: " + r.critic.problem;
        return r.upscaler;
    }

    double accuracy(image_batch original, image_batch made) {
        int right = right_of(both_.look_at(original), true);
        right += right_of(both_.look_at(made), false);
        return double(right) / (2 * original.batch());
    }

    // Describes the last step.
    std::string status() {
        char text[80];
        const double right = sum_over(session_.group(), double(right_)),
                     seen = sum_over(session_.group(), double(seen_));
        std::snprintf(text, sizeof text, "critic loss %.4f, critic accuracy %.3f, ", critic_loss_, right / seen);
        seen_ = right_ = 0;
        return text;
    }

    // The number of steps of the critic so far, taken or given up.
    std::int64_t critic_done() { return critic_fit_.steps() + critic_fit_.bad_steps(); }

    training_session session_;
    basic_trainable<float> critic_;
    trainer critic_fit_;
    adversarial_trainer both_;
    std::uint64_t warmup_;
    bool warming_up_ = false;
    std::int64_t seen_ = 0, right_ = 0; // images of the current step
    double critic_loss_ = 0;
    std::map<std::string, double> logged_; // values of the last step
    bool in_step_ = false;
    std::int64_t critic_before_ = 0; // critic_done() before the current micro-batch
};

} // namespace

int main(int argc, char** argv) {
    programs::training_options o;
    o.checkpoint_path = "checkpoints/fine-tune", o.run_dir_path = "runs/fine-tune";
    o.recipe = "supercool", o.num_epochs = 100, o.critic_warmup_epochs = 3;
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
