// Contexts and models that are shared where they must not be, and that go in any order: an error in one line, or the
// right pixels; never wrong ones, a hang or a crash.
#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/model/model.hpp"
#include "fovea/model/self_ensemble.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/zoo/supercool.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/random_weights.hpp"

using namespace fovea;
using fovea_test::error_of;

namespace {

using shared_network = zoo::supercool<2, 8, 2, 2>;

image noise_of(int height, int width, int channels = 3, std::uint64_t seed = 5) {
    image x(height, width, channels);
    random_stream random(seed);
    for (int y = 0; y < height; ++y)
        for (auto& v : x.row<std::uint8_t>(y)) v = std::uint8_t(random());
    return x;
}

// Two threads enlarge images for a while, each with its own upscaler or both with one. Every result is right, or an
// error says that the context is shared.
void check_two_threads(upscaler& first, upscaler& second) {
    const image small = noise_of(29, 31);
    const image expected = first(small);
    std::atomic<int> right{0}, wrong{0}, told{0}, other{0};
    const auto work = [&](upscaler& net) {
        for (int i = 0; i < 40; ++i) {
            image large;
            const std::string reason = reason_of_failure([&] { large = net(small); });
            if (reason.empty())
                ++(large == expected ? right : wrong);
            else
                ++(reason.find("a context is used by two threads at once") == 0 ? told : other);
        }
    };
    std::thread thread([&] { work(first); });
    work(second);
    thread.join();
    CHECK(wrong == 0);
    CHECK(other == 0);
    CHECK(right + told == 80);
    CHECK(right > 0);
}

} // namespace

TEST_CASE("two threads that share a model or a context get right pixels or an error") {
    context pool({.threads = 2});
    const auto weights = fovea_test::random_weights<shared_network>();
    model<shared_network, cpu> first(weights, {.threads = &pool}), second(weights, {.threads = &pool});
    check_two_threads(first, first);
    check_two_threads(first, second);
}

TEST_CASE("a context that another thread uses is refused with the reason") {
    context pool;
    model<shared_network, cpu> net(fovea_test::random_weights<shared_network>(), {.threads = &pool});
    std::string reason;
    run_options o;
    bool asked = false;
    o.progress = [&](double) { // the network computes: this thread uses its context
        if (std::exchange(asked, true)) return;
        std::thread([&] { reason = error_of([&] { net(noise_of(5, 5)); }); }).join();
    };
    CHECK(net(noise_of(9, 9), o).height() == 18);
    CHECK(reason ==
          "a context is used by two threads at once, with one model or with two: expected a context, and "
          "models made with it, for each thread");
    CHECK(net(noise_of(9, 9)).height() == 18); // and it can be used again afterwards
}

TEST_CASE("a network that its own callback calls says so; another network of the same thread may be called") {
    context pool({.threads = 2});
    const auto weights = fovea_test::random_weights<shared_network>();
    model<shared_network, cpu> net(weights, {.threads = &pool}), other(weights, {.threads = &pool});
    const image small = noise_of(20, 20), expected = net(small);
    std::string reason;
    bool same = true;
    run_options o;
    o.progress = [&](double) {
        reason = error_of([&] { net(small); });
        same = same && other(small) == expected;
    };
    CHECK(net(small, o) == expected);
    CHECK(reason == "a network was called by its own callback: expected it to return first");
    CHECK(same);
}

TEST_CASE("models outlive the context that they were given, frames the upscaler that made them") {
    const auto weights = fovea_test::random_weights<shared_network>();
    const image small = noise_of(16, 12);
    auto pool = std::make_unique<context>(context::options{.threads = 2});
    std::optional<model<shared_network, cpu>> net(std::in_place, weights, model_options{.threads = pool.get()});
    const image expected = (*net)(small);
    trainable<shared_network, cpu> learns({.threads = pool.get()});
    pool.reset();
    CHECK((*net)(small) == expected);
    const auto x = fovea_test::random_tensor(1, 8, 8, 3);
    CHECK(learns.forward(x.view()).height() == 16);
    learns.backward();

    frame_upscaler frames = net->frames({16, 12}, std::size_t(1) << 24);
    net.reset();
    std::vector<std::byte> arena(frames.arena_bytes());
    image large(32, 24, 3);
    frames.run(tensor_view(small.row<std::uint8_t>(0).data(), 1, 16, 12, 3),
               tensor_view(large.row<std::uint8_t>(0).data(), 1, 32, 24, 3), arena);
    CHECK(large == expected);
}

TEST_CASE("two threads that train networks on one context are told") {
    context pool({.threads = 2});
    trainable<shared_network, cpu> first({.threads = &pool}), second({.threads = &pool});
    const auto x = fovea_test::random_tensor(2, 12, 12, 3);
    std::atomic<int> done{0}, told{0}, other{0};
    const auto work = [&](trainable<shared_network, cpu>& net) {
        for (int i = 0; i < 20; ++i) {
            const std::string reason = reason_of_failure([&] {
                net.forward(x.view());
                net.backward();
            });
            ++(reason.empty() ? done : reason.find("a context is used by two threads") == 0 ? told : other);
        }
    };
    std::thread thread([&] { work(first); });
    work(second);
    thread.join();
    CHECK(other == 0);
    CHECK(done + told == 40);
    CHECK(done > 0);
}

TEST_CASE("the self-ensemble is the mean of eight orientations, and turns with its input") {
    model<shared_network, cpu> net(fovea_test::random_weights<shared_network>());
    const image small = noise_of(14, 22);
    image mean(28, 44, 3, sample_type::f32);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        const image large = net(upright(with_type(small, sample_type::f32), orientation));
        const image back = upright(large, orientation == 6 ? 8 : orientation == 8 ? 6 : orientation);
        for (int y = 0; y < mean.height(); ++y)
            for (std::size_t i = 0; i < mean.row<float>(y).size(); ++i)
                mean.row<float>(y)[i] += back.row<float>(y)[i] / 8;
    }
    CHECK(self_ensemble(net, small) == with_type(mean, sample_type::u8));
    for (int orientation = 2; orientation <= 8; ++orientation) {
        // The same eight results, summed in another order: their mean may round to the neighbouring level.
        const image turned = self_ensemble(net, upright(small, orientation));
        const image expected = upright(self_ensemble(net, small), orientation);
        REQUIRE(turned.height() == expected.height());
        int most = 0;
        for (int y = 0; y < turned.height(); ++y)
            for (std::size_t i = 0; i < turned.row<std::uint8_t>(y).size(); ++i)
                most = std::max(most,
                                std::abs(int(turned.row<std::uint8_t>(y)[i]) - int(expected.row<std::uint8_t>(y)[i])));
        CHECK(most <= 1);
    }
    const image with_alpha = self_ensemble(net, noise_of(9, 7, 4));
    CHECK(with_alpha.channels() == 4);
    CHECK(with_alpha.width() == 14);
}
