// Cut and altered weight files: a result or an error, within limits of memory, whatever the bytes. The sanitizers
// watch.
#include <algorithm>
#include <random>

#include "io/support.hpp"
#include "support/allocated.hpp"

using namespace fovea;
using fovea_test::allocated;
using fovea_test::error_of;
using fovea_test::vector_file;

namespace {

// 64 MiB of budget for the contents, and twice that for what the parsers keep of a million values.
constexpr std::size_t most_allocated = std::size_t(192) << 20;

struct outcome {
    int results = 0, errors = 0;
    std::size_t most = 0;
};

// What loading does of a file that has no network which it knows.
void search(const tensor_file& file) {
    detail::find_group(file, [](const tensor_file& outline) { return outline.find("nowhere") != nullptr; });
    CHECK(detail::contents_of(file).size() < 2000);
}

void open(std::span<const std::byte> bytes, outcome& outcome) {
    allocated.most = allocated.now.load();
    const std::size_t before = allocated.now;
    const std::string error = error_of([&] { search(weights_of(read_tensor_bytes(bytes, "w"))); });
    outcome.most = std::max(outcome.most, allocated.most - before);
    ++(error.empty() ? outcome.results : outcome.errors);
}

void open_cut(const std::vector<std::byte>& whole, outcome& outcome) {
    const std::size_t step = std::max<std::size_t>(1, whole.size() / 700);
    for (std::size_t length = 0; length < whole.size(); length += step) {
        const std::vector<std::byte> part(whole.begin(),
                                          whole.begin() + static_cast<std::ptrdiff_t>(length)); // its own end for ASan
        open(part, outcome);
    }
}

void open_altered(const std::vector<std::byte>& whole, outcome& outcome, std::uint32_t seed, int rounds = 600) {
    std::mt19937 random(seed);
    for (int round = 0; round < rounds; ++round) {
        auto altered = whole;
        for (std::uint32_t change = 0; change <= random() % 4; ++change) {
            std::byte& place = altered[random() % altered.size()];
            place = round % 2 ? place ^ std::byte(1u << random() % 8) : std::byte(random() % 256);
        }
        open(altered, outcome);
    }
}

std::vector<std::byte> small_safetensors() {
    return safetensors_bytes(weights_of(read_tensor_file(vector_file("small.pt"))));
}

// The pickle of an archive is protected by its CRC: altered here behind it, with every storage of 64 zero bytes.
void open_pickle(const std::vector<std::byte>& pickle, outcome& outcome) {
    allocated.most = allocated.now.load();
    const std::size_t before = allocated.now;
    const std::vector<std::byte> zeros(64);
    const std::string error = error_of([&] {
        const auto value = detail::unpickler::read(pickle, "w");
        detail::size_budget budget("w", pickle.size());
        detail::flatten_torch(value, "w", budget, [&](const detail::torch_storage&) { return std::span(zeros); });
    });
    outcome.most = std::max(outcome.most, allocated.most - before);
    ++(error.empty() ? outcome.results : outcome.errors);
}

} // namespace

TEST_CASE("damaged: cut weight files") {
    outcome outcome;
    for (const char* name : {"small.pt", "old.pt", "deflated.pt", "zip64.pt", "foreign.pt", "foreign_texts.pt"})
        open_cut(read_file(vector_file(name)), outcome);
    open_cut(small_safetensors(), outcome);
    CHECK(outcome.results == 0);
    CHECK(outcome.errors > 3000);
    CHECK(outcome.most < most_allocated);
}

TEST_CASE("damaged: altered weight files") {
    outcome outcome;
    for (const char* name : {"small.pt", "old.pt", "deflated.pt", "zip64.pt"})
        for (const std::uint32_t seed : {1u, 2u}) open_altered(read_file(vector_file(name)), outcome, seed);
    open_altered(small_safetensors(), outcome, 3);
    CHECK(outcome.results + outcome.errors == 9 * 600);
    CHECK(outcome.most < most_allocated);
}

TEST_CASE("damaged: altered pickles") {
    outcome outcome;
    std::mt19937 random(4);
    for (const char* name : {"small.pt", "foreign.pt", "foreign_texts.pt", "module.pt", "module_old.pt"}) {
        const auto file = read_file(vector_file(name));
        const detail::zip_archive archive(file, name);
        detail::size_budget budget(name, file.size());
        const auto stored = archive.read(*archive.find("archive/data.pkl"), budget).bytes;
        const std::vector<std::byte> whole(stored.begin(), stored.end());
        for (int round = 0; round < 2000; ++round) {
            auto altered = whole;
            for (std::uint32_t change = 0; change <= random() % 3; ++change)
                altered[random() % altered.size()] = std::byte(random() % 256);
            open_pickle(altered, outcome);
        }
    }
    CHECK(outcome.errors > 2500);
    CHECK(outcome.results > 500);
    CHECK(outcome.most < most_allocated);
}

TEST_CASE("damaged: every vector with altered bytes") {
    outcome outcome;
    std::uint32_t seed = 5;
    for (const auto& entry : std::filesystem::directory_iterator(FOVEA_VECTORS)) {
        const auto whole = read_file(entry.path());
        if (whole.size() < 20000) open_altered(whole, outcome, seed++, 60);
    }
    CHECK(outcome.results + outcome.errors > 20 * 60);
    CHECK(outcome.most < most_allocated);
}

TEST_CASE("damaged: hostile files stay within limits of memory") {
    for (const auto& entry : std::filesystem::directory_iterator(FOVEA_VECTORS)) {
        const auto bytes = read_file(entry.path());
        outcome outcome;
        open(bytes, outcome);
        INFO(entry.path());
        CHECK(outcome.most < most_allocated);
    }
}
