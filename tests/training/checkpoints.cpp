// Checkpoints on the disk: their checksums, what is taken where one is damaged, and who may write there.
#include "fovea/trainer/checkpoints.hpp"

#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "fovea/core/random.hpp"
#include "fovea/io/read_file.hpp"
#include "fovea/trainer/run_lock.hpp"
#include "support/catch.hpp"
#include "support/processes.hpp"
#include "support/scratch.hpp"

#include "fovea/trainer/run_settings.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

tensor_file state_of(std::int64_t step) {
    tensor_file file;
    file.source = "a test";
    std::vector<float> numbers(40);
    random_stream random(7, std::uint64_t(step));
    for (float& v : numbers) v = float(random.normal());
    file.add(tensor_of("conv.weight", {4, 10}, numbers));
    file.add(tensor_of("optimizer/m/conv.weight", {40}, numbers));
    file.metadata["trainer.steps"] = std::to_string(step);
    return file;
}

void write_bytes(const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
}

} // namespace

TEST_CASE("a checksum knows every part of a weight file") {
    tensor_file file = state_of(1);
    const std::string sum = checksum_of(file);
    CHECK(sum == checksum_of(state_of(1)));
    CHECK(sum != checksum_of(state_of(2)));
    add_checksum(file);
    CHECK(file.metadata.at("fovea.checksum") == sum);
    CHECK(checksum_of(file) == sum); // it does not count itself
    check_checksum(file);
    file.metadata["trainer.steps"] = "3";
    CHECK_THROWS_WITH(check_checksum(file), Catch::Contains("a test: is damaged: its checksum is crc32c") &&
                                                Catch::Contains("expected " + sum));
    const tensor_file same = state_of(1);
    tensor_file renamed;
    for (stored_tensor t : same.tensors()) {
        t.name += "x";
        renamed.add(std::move(t));
    }
    renamed.metadata = same.metadata;
    CHECK(checksum_of(renamed) != sum);
}

TEST_CASE("the last checkpoint that is whole is taken, and each damaged one is told") {
    const scratch_folder folder;
    random_stream random(11, 0);
    int told = 0;
    for (int damage = 0; damage < 200; ++damage) {
        checkpoint_files files(folder.path / "net", 2);
        for (std::int64_t step : {3, 6, 9}) files.save(step, state_of(step));
        CHECK(files.steps() == std::vector<std::int64_t>{6, 9});
        auto bytes = read_file(files.of_step(9));
        const std::size_t at = std::size_t(random() % bytes.size());
        const std::byte was = bytes[at];
        if (damage % 2 == 0)
            bytes.resize(at);
        else
            bytes[at] ^= std::byte(1 << random() % 8);
        write_bytes(files.of_step(9), bytes);
        std::vector<std::string> notices;
        INFO("byte " << at << " of " << bytes.size() << ", which was " << int(was));
        const tensor_file taken = files.latest([&](const std::string& what) { notices.push_back(what); });
        const tensor_file expected = notices.empty() ? state_of(9) : state_of(6);
        told += int(notices.size());
        // Spaces at the header's end, and the name of the checksum itself, say nothing about the state.
        REQUIRE(taken.tensors().size() == 2);
        CHECK(taken.at("conv.weight").bytes == expected.at("conv.weight").bytes);
        CHECK(taken.metadata.at("trainer.steps") == expected.metadata.at("trainer.steps"));
        for (auto& line : notices) CHECK_THAT(line, Catch::Contains("net.step-9.safetensors"));
    }
    CHECK(told > 180);
}

TEST_CASE("a run that went back to the checkpoint before a damaged one keeps two whole ones") {
    const scratch_folder folder;
    checkpoint_files files(folder.path / "net", 1); // fewer than two are not kept
    for (std::int64_t step : {3, 6}) files.save(step, state_of(step));
    write_bytes(files.of_step(6), {});
    CHECK(files.latest().metadata.at("trainer.steps") == "3");
    files.save(7, state_of(7));
    CHECK(files.steps() == std::vector<std::int64_t>{3, 6, 7}); // 6 is left for whoever wants to look at it
    files.save(8, state_of(8));
    CHECK(files.steps() == std::vector<std::int64_t>{6, 7, 8});
    for (std::int64_t step : {7, 8}) write_bytes(files.of_step(step), {});
    CHECK_THROWS_WITH(files.latest(), Catch::Contains("net.step-6") && Catch::Contains("no checkpoint before it"));
}

TEST_CASE("a checkpoint without a checksum is read as it is") {
    const scratch_folder folder;
    checkpoint_files files(folder.path / "net", 2);
    write_safetensors(files.of_step(4), state_of(4));
    CHECK(files.latest().metadata.at("trainer.steps") == "4");
}

TEST_CASE("files that are set aside are found under their new path") {
    const scratch_folder folder;
    checkpoint_files files(folder.path / "net", 2);
    CHECK(files.set_aside().empty());
    for (int run = 1; run <= 2; ++run) {
        files.save(3, state_of(3)), files.save_best(state_of(3)), files.save_weights(state_of(3));
        const auto aside = files.set_aside();
        CHECK(aside.filename() == text_of("net.before-", run));
        CHECK(files.steps().empty());
        checkpoint_files old(aside, 2);
        CHECK(old.latest().metadata.at("trainer.steps") == "3");
        CHECK(std::filesystem::exists(old.best()));
    }
    CHECK(folder.entries() == 6);
}

TEST_CASE("one run at a time has a path; what a killed one leaves is in nobody's way") {
    const scratch_folder folder;
    const auto path = folder.path / "net.lock";
    {
        const run_lock mine(path);
        CHECK_THROWS_WITH(run_lock(path), Catch::Contains(text_of("net.lock: another run writes there, process ",
                                                                  std::int64_t(getpid()))));
    }
    CHECK(folder.entries() == 0);
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    const pid_t child = fork();
    if (child == 0) {
        const run_lock its(path);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    CHECK_THROWS_WITH(run_lock(path), Catch::Contains("another run"));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    CHECK(folder.entries() == 1);
    { const run_lock mine(path); }
    CHECK(folder.entries() == 0);
    close(ready[0]), close(ready[1]);
    CHECK_THROWS_WITH(run_lock(folder.path / "absent" / "net.lock"), Catch::Contains("absent/net.lock: cannot write"));
}

TEST_CASE("processes that differ in an option are told which") {
    const auto settings = [](int rank, const char* rate) {
        return run_settings{{"loss", "l1"}, {"learning-rate", rank == 1 ? rate : "0.001"}, {"seed", "0"}};
    };
    for (const std::string& error :
         errors_of_processes(3, [&](training_group& g) { check_same_settings(g, settings(g.rank(), "0.001")); }))
        CHECK(error.empty());
    const auto errors =
        errors_of_processes(3, [&](training_group& g) { check_same_settings(g, settings(g.rank(), "0.5")); });
    for (int rank = 0; rank < 3; ++rank) {
        CHECK_THAT(errors[std::size_t(rank)], Catch::Contains("--learning-rate 0.001, and "));
        CHECK_THAT(errors[std::size_t(rank)], !Catch::Contains("--loss") && !Catch::Contains("--seed"));
    }
    CHECK_THAT(errors[1], Catch::Contains("0.5 in process 1"));
    for (const std::string& error : errors_of_processes(2, [&](training_group& g) {
             auto mine = settings(0, "");
             if (g.rank() == 1) mine.emplace_back("precision", "bf16");
             check_same_settings(g, mine);
         }))
        CHECK_THAT(error, Catch::Contains("not the same ones are set"));
}
