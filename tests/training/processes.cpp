// Processes that train together: what the environment says of them, and what goes over their connections.
#include "support/processes.hpp"

#include <map>

#include "support/catch.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

process_place place_of(const std::map<std::string, std::string>& variables) {
    return place_of_process([&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}
std::string problem_of(const std::map<std::string, std::string>& variables) {
    return error_of([&] { place_of(variables); });
}

// A connection to a port on which somebody will listen, which is what a test sends bytes with.
tcp_socket connection_to(int port) {
    tcp_socket s;
    while (!s.connect("127.0.0.1", port, tcp_socket::in(5)).empty())
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return s;
}

} // namespace

TEST_CASE("the environment says which process this is") {
    const process_place alone = place_of({});
    CHECK((alone.rank == 0 && alone.size == 1 && alone.local_rank == 0));
    const process_place plain = place_of({{"RANK", "5"},
                                          {"WORLD_SIZE", "8"},
                                          {"LOCAL_RANK", "1"},
                                          {"MASTER_ADDR", "gpu-1"},
                                          {"MASTER_PORT", "29500"},
                                          {"SLURM_PROCID", "0"},
                                          {"SLURM_NTASKS", "2"}});
    CHECK((plain.rank == 5 && plain.size == 8 && plain.local_rank == 1));
    CHECK((plain.address == "gpu-1" && plain.port == 29500));
    const process_place of_mpi = place_of({{"OMPI_COMM_WORLD_RANK", "1"},
                                           {"OMPI_COMM_WORLD_SIZE", "2"},
                                           {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                                           {"MASTER_ADDR", "a"},
                                           {"MASTER_PORT", "1"},
                                           {"SLURM_PROCID", "0"}});
    CHECK((of_mpi.rank == 1 && of_mpi.size == 2 && of_mpi.local_rank == 0));
    const std::map<std::string, std::string> slurm{
        {"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "4"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "1"}};
    CHECK(place_of(slurm).rank == 3);
    CHECK(place_of(slurm).local_rank == 3); // of one machine
    auto step = slurm;
    step["SLURM_STEP_NUM_TASKS"] = "6", step["SLURM_LOCALID"] = "1";
    CHECK((place_of(step).size == 6 && place_of(step).local_rank == 1));
    CHECK(place_of({{"SLURM_NTASKS", "4"}}).size == 1); // a job's shell
    CHECK(place_of({{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}).size == 1);
    CHECK(place_of({{"RANK", "0"}, {"WORLD_SIZE", "1"}}).size == 1); // which waits for nobody
    auto by_torchrun = slurm;
    by_torchrun["TORCHELASTIC_USE_AGENT_STORE"] = "True";
    CHECK(place_of(by_torchrun).port == 2); // torchrun itself has the first
}

TEST_CASE("variables that are missing or make no sense are one line") {
    CHECK(problem_of({{"RANK", "0"}}) == "RANK is set and WORLD_SIZE is not: expected both, or neither");
    CHECK(problem_of({{"WORLD_SIZE", "2"}}) == "WORLD_SIZE is set and RANK is not: expected both, or neither");
    CHECK(contains(problem_of({{"OMPI_COMM_WORLD_SIZE", "2"}}), "OMPI_COMM_WORLD_RANK is not"));
    CHECK(contains(problem_of({{"SLURM_PROCID", "2"}}), "SLURM_NTASKS is not"));
    std::map<std::string, std::string> two{{"RANK", "1"}, {"WORLD_SIZE", "2"}};
    CHECK(contains(problem_of(two), "MASTER_ADDR is not set: expected where process 0 of 2"));
    two["MASTER_ADDR"] = "localhost";
    CHECK(contains(problem_of(two), "MASTER_PORT is not set"));
    two["MASTER_PORT"] = "65536";
    CHECK(problem_of(two) == "MASTER_PORT=65536: expected a number from 1 to 65535");
    two["MASTER_PORT"] = "65535";
    CHECK(problem_of(two).empty());
    two["TORCHELASTIC_USE_AGENT_STORE"] = "True";
    CHECK(contains(problem_of(two), "MASTER_PORT=65535"));
    two["RANK"] = "2";
    CHECK(problem_of(two) == "RANK=2: expected a number from 0 to 1");
    two["RANK"] = "";
    CHECK(contains(problem_of(two), "RANK=: expected a number"));
    two["RANK"] = "1", two["WORLD_SIZE"] = "two";
    CHECK(contains(problem_of(two), "WORLD_SIZE=two"));
    two["WORLD_SIZE"] = "2", two["LOCAL_RANK"] = "-1";
    CHECK(contains(problem_of(two), "LOCAL_RANK=-1"));
}

TEST_CASE("sums have the same bits in every process, added in the order of ranks") {
    constexpr int count = 3, numbers = 300'000; // more than the buffers of a connection hold
    std::vector<std::vector<float>> sums(count);
    const auto number = [](int rank, int i) { return std::exp(float((7 * i + 3 * rank) % 40 - 20)) - float(rank); };
    for (auto& e : errors_of_processes(count, [&](training_group& g) {
             auto& mine = sums[std::size_t(g.rank())];
             for (int i = 0; i < numbers; ++i) mine.push_back(number(g.rank(), i));
             g.sum(mine);
             double one[] = {double(g.rank()), 1};
             g.sum(std::span(one));
             if (one[0] != 3 || one[1] != 3) fail("a sum of doubles");
             g.sum(std::span<float>()); // nothing
             std::vector<std::byte> bytes(g.is_first() ? 1000 : 3, std::byte(g.rank() + 1));
             share(g, bytes);
             if (bytes != std::vector<std::byte>(1000, std::byte(1))) fail("a broadcast");
             if (g.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(50));
             g.wait_for_all(), g.check();
             g.wait_for_all(); // nobody ends while another may still look
         }))
        CHECK(e.empty());
    bool in_order = true;
    for (int i = 0; i < numbers; ++i)
        in_order &= sums[0][std::size_t(i)] == (number(0, i) + number(1, i)) + number(2, i);
    CHECK(in_order);
    CHECK((sums[1] == sums[0] && sums[2] == sums[0]));
}

TEST_CASE("a process that ends is one line in the others") {
    const auto errors = errors_of_processes(3, [&](training_group& g) {
        double one[] = {1};
        g.sum(std::span(one));
        if (g.rank() == 1) fail("of its own");
        for (;;) g.sum(std::span(one));
    });
    CHECK(errors[0] == "process 1 of 3 has ended: expected it to train on with process 0");
    CHECK(errors[1] == "of its own");
    CHECK(errors[2] == "process 0 of 3 has ended: expected it to train on with process 2");
    // while one waits for it however long it takes, and where one only asks
    const auto waiting = errors_of_processes(2, [&](training_group& g) {
        if (g.rank() == 0) g.wait_for_all();
    });
    CHECK(contains(waiting[0], "process 1 of 2 has ended"));
    const auto asking = errors_of_processes(2, [&](training_group& g) {
        while (g.rank() == 0) g.check();
    });
    CHECK(contains(asking[0], "process 1 of 2 has ended"));
}

TEST_CASE("a process that is late is one line in the others") {
    const auto errors = errors_of_processes(
        2,
        [&](training_group& g) {
            double one[] = {1};
            if (g.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(800));
            g.sum(std::span(one));
        },
        0.2);
    CHECK(errors[0] == "process 1 of 2 did not answer in time: expected it to train on with process 0");
    CHECK(contains(errors[1], "process 0 of 2 has ended"));
}

TEST_CASE("processes at different points of a run are one line") {
    const auto errors = errors_of_processes(2, [&](training_group& g) {
        float few[2] = {};
        g.sum(std::span(few, g.is_first() ? 2 : 1));
    });
    CHECK(contains(errors[0], "process 1 is at another point of the run, with 4 bytes where 8 were expected"));
}

TEST_CASE("a process that does not come is one line") {
    const int port = free_port();
    const auto alone = [&](int rank) {
        return error_of([&] { process_links({rank, 2, rank, "127.0.0.1", port}, 0.1); });
    };
    const std::string where = text_of("127.0.0.1:", port, ": ");
    CHECK(alone(0) == where + "1 of 2 processes did not answer in time (0 s): expected all of them to be started");
    CHECK(contains(alone(1), where + "process 0 is not there within 0 s: "));
    tcp_socket taken;
    REQUIRE(taken.listen("127.0.0.1", port).empty());
    CHECK(contains(alone(0), "expected a port that is free"));
    CHECK(contains(error_of([&] {
                       process_links({1, 2, 1, "no.such.host.invalid", port}, 0.1);
                   }),
                   "process 0 is not there"));
}

TEST_CASE("whoever does not belong to a run is not let in") {
    const int port = free_port();
    const auto strange = errors_of_threads(3, [&](int rank) { // 2: one that is no process of a run
        if (rank < 2) {
            if (rank == 1) std::this_thread::sleep_for(std::chrono::milliseconds(100));
            process_links({rank, 2, rank, "127.0.0.1", port}, 30).wait_for_all();
            return;
        }
        const auto bytes = std::as_bytes(std::span("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        if (!connection_to(port).send(bytes, tcp_socket::in(5)).empty()) fail("not sent");
    });
    CHECK((strange[0].empty() && strange[1].empty() && strange[2].empty()));

    const auto sizes = errors_of_threads(2, [&](int rank) {
        process_links({rank, 2 + rank, rank, "127.0.0.1", port}, 30).wait_for_all();
    });
    CHECK(sizes[0] == "process 1 belongs to a run of 3 processes: expected 2");
    CHECK(sizes[1] == "process 0 belongs to a run of 2 processes: expected 3");

    const auto twice = errors_of_threads(3, [&](int rank) {
        process_links({std::min(rank, 1), 3, rank, "127.0.0.1", port}, 30).wait_for_all();
    });
    CHECK(twice[0] == "process 1 has come twice to process 0 of 3: expected each of the others once");

    tcp_socket door; // that answers with something else
    REQUIRE(door.listen("127.0.0.1", port).empty());
    const auto other = errors_of_threads(2, [&](int rank) {
        if (rank == 1) process_links({1, 2, 1, "127.0.0.1", port}, 30);
        tcp_socket from;
        door.accept(from, tcp_socket::in(30));
        from.send(std::as_bytes(std::span("HTTP/1.1 400 Bad Request\r\n")), tcp_socket::in(5));
        std::byte hello[24];
        from.receive(hello, tcp_socket::in(5));
    });
    CHECK(contains(other[1], "is not process 0 of this run"));
}
