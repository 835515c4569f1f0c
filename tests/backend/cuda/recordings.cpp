// Work of the GPU that is recorded and replayed, on a device that is the host: the same bits as without.
#include "support/host_training.hpp"
#include "support/recorded_images.hpp"
#include "support/recorded_steps.hpp"

using namespace fovea_test;

TEST_CASE("recordings: steps give the bits of those that were not recorded") {
    check_recorded_steps<trained_on_host, trained_unrecorded>();
}
TEST_CASE("recordings: what happens between steps is seen by them") {
    check_recorded_run<trained_on_host, trained_unrecorded>();
}

TEST_CASE("recordings: images have the bits of those that were not recorded") {
    check_recorded_images<engine_on_host, engine_unrecorded>();
}
TEST_CASE("recordings: an image of a size that comes again is one of them") {
    using network = conv<3, 5, 3>;
    model<network, engine_on_host> net(random_weights<network>());
    const int before = host_device::replays;
    for (std::uint64_t seed = 1; seed < 5; ++seed) net(random_tensor(1, 9, 7, 3, seed).view());
    CHECK(host_device::replays == before + 3);
}

TEST_CASE("recordings: a step is two of them, and what its user does is, too") {
    trainable<normalised_network, trained_on_host> net;
    trainer fit(net, adam{}, {});
    const samples s(2, 5, 6, 2, 1);
    int replays = 0;
    for (int step = 0; step < 5; ++step) {
        const int before = host_device::replays;
        fit.step(s.x.view(), s.t.view(), l2_loss{});
        replays = host_device::replays - before;
        CHECK(replays == (step == 0 ? 0 : 2));
    }
    for (int step = 0; step < 4; ++step) {
        const int before = host_device::replays;
        const auto y = net.forward(s.x.view());
        fit.finish(l2_loss{}(y, s.t.view(), net.output_gradient()), s.x.view());
        replays = host_device::replays - before;
    }
    CHECK(replays == 3); // forward, backward, update
}

TEST_CASE("recordings: the latest are kept, the first time nothing is") {
    host_device device;
    recordings<host_device, int> all(device);
    int puts = 0;
    const auto run = [&](int key) { all.run(key, [&] { ++puts; }); };
    for (int key : {1, 1, 1, 1}) run(key);
    CHECK(puts == 2); // as it is, and recorded
    for (int key = 2; key < 66; ++key) run(key);
    CHECK(puts == 66);
    run(1), run(65);
    CHECK(puts == 68); // 1 was forgotten, 65 is recorded
    run(65);
    CHECK(puts == 68);
}

TEST_CASE("recordings: what cannot be recorded is said, and the device goes on") {
    host_device device;
    recordings<host_device, int> all(device);
    const auto waits = [&] { device.wait(); };
    all.run(1, waits);
    CHECK_THROWS_WITH(all.run(1, waits), Catch::Contains("waited"));
    CHECK_NOTHROW(device.wait());
}
