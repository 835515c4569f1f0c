// Training on several GPUs, by threads that stand for processes: NCCL's sums, and the steps of one GPU.
#include "fovea/fovea_cuda.cuh"
#include "support/gpu.cuh"
#include "support/parallel_steps.hpp"

#if FOVEA_WITH_NCCL

using namespace fovea_test;

namespace {

std::atomic<int> next_gpu = 0; // engines that are made one after another are on different GPUs

struct cuda_by_turns : on_device<cuda_device> {};

std::unique_ptr<training_engine> make_training_engine(cuda_by_turns, const graph& g, weight_store& weights,
                                                      gradient_store<float>& gradients, const training_options& o) {
    const int index = next_gpu++ % find_gpus().count;
    return std::make_unique<device_training_engine<cuda_device>>(g, weights, gradients, o,
                                                                 std::make_shared<cuda_device>(index));
}

// False, and the test counts as skipped, where there are not two.
bool has_two_gpus() {
    const int count = find_gpus().count;
    if (count >= 2) return true;
    skipped = true;
    std::printf("skipped: needs two GPUs, has %d\n", count);
    return false;
}

} // namespace

TEST_CASE("GPUs together: sums over one process are its own numbers, also recorded") {
    FOVEA_NEEDS_GPU();
    process_links alone({0, 1, 0, "127.0.0.1", free_port()}, 60);
    cuda_device device;
    device.join(alone);
    device_buffer<cuda_device, memory_place::device> on_device(device);
    device_buffer<cuda_device, memory_place::host> on_host(device);
    on_device.reserve(4, "a number"), on_host.reserve(4, "a number");
    auto& number = *reinterpret_cast<float*>(on_host.data());
    const auto sum = [&] {
        device.sum(reinterpret_cast<float*>(on_device.data()), 1);
        device.await_sums();
    };
    for (bool recorded : {false, true}) {
        INFO("recorded " << recorded);
        number = 3.5f;
        device.upload(on_device.data(), on_host.data(), 4), device.wait();
        number = 0;
        if (recorded) {
            REQUIRE(device.begin_recording());
            sum();
            const auto r = device.end_recording();
            device.replay(r), device.replay(r), device.wait();
        } else
            sum();
        device.download(on_host.data(), on_device.data(), 4);
        device.wait();
        CHECK(number == 3.5f);
    }
}

TEST_CASE("GPUs together: the steps of one with the whole batch") {
    if (!has_two_gpus()) return;
    check_parallel_steps<cuda_by_turns>(std::min(find_gpus().count, 3));
    check_parallel_normalisation<cuda_by_turns>();
    check_parallel_bad_steps<cuda_by_turns>();
}

TEST_CASE("GPUs together: an upscaler and its critic") {
    if (!has_two_gpus()) return;
    check_parallel_duels<cuda_by_turns>(weighted_sum{l2_loss{}, 1., total_variation_loss{}, 1e-2});
}

TEST_CASE("GPUs together: a process that ends is one line in the other, and no hang") {
    if (!has_two_gpus()) return;
    const auto errors = errors_of_processes(
        2,
        [&](training_group& g) {
            learner<plain_network, cuda_by_turns> mine(sgd{}, {}, 4, &g);
            const samples s(2, 6, 7, 2, 1);
            for (int i = 0; i < 1000; ++i) {
                if (i == 3 && g.rank() == 1) fail("of its own");
                mine.step(share_of(s.x, g), share_of(s.t, g), l2_loss{});
            }
        },
        20);
    CHECK(errors[1] == "of its own");
    CHECK_THAT(errors[0], Catch::Contains("process 1 of 2 has ended"));
}

#endif
