#include "fovea/data/loader.hpp"

#include <sys/stat.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "support.hpp"
#include "support/errors.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using namespace fovea_test;

namespace {

// What is compared of batches: position, and all numbers of both tensors.
struct seen_batch {
    data_position at;
    std::vector<float> numbers;
    bool operator==(const seen_batch&) const = default;
};

seen_batch seen(const training_batch& b) {
    seen_batch s{b.at, {b.input.data(), b.input.data() + b.input.size()}};
    s.numbers.insert(s.numbers.end(), b.target.data(), b.target.data() + b.target.size());
    return s;
}

std::vector<seen_batch> batches_of(const training_set& set, const loader_options& o, std::size_t count) {
    data_loader loader(set, o);
    std::vector<seen_batch> all;
    while (all.size() < count) all.push_back(seen(loader.next()));
    return all;
}

// A folder and a set of it.
struct pictures {
    explicit pictures(int count, std::uint64_t cache_bytes = 1 << 24) {
        write_pictures(scratch.path, count, 20);
        augmentation a = vapsr_augmentation;
        a.size = 16;
        set.emplace(pictures_below(scratch.path), sample_options{.scale = 2, .augment = a},
                    training_set_options{.cache_bytes = cache_bytes});
    }
    scratch_folder scratch;
    std::optional<training_set> set;
};

// Pictures of one value each, 10 times their number, so that a batch shows which it holds.
struct flat_pictures {
    explicit flat_pictures(int count) {
        for (int i = 0; i < count; ++i)
            write_picture(scratch.path / (std::to_string(100 + i) + ".png"), flat(20, 20, std::uint8_t(10 * i)));
        set.emplace(pictures_below(scratch.path), sample_options{.scale = 2, .augment = plain_part(16)});
    }
    scratch_folder scratch;
    std::optional<training_set> set;
};

std::vector<int> numbers_in(const training_batch& b) {
    std::vector<int> all;
    for (int n = 0; n < b.target.batch(); ++n) all.push_back(int(std::lround(b.target.at(n, 3, 3)[0] * 25.5f)));
    return all;
}

} // namespace

TEST_CASE("batches are the same for any number of threads and any room ahead") {
    const pictures p(7);
    for (const bool drop : {true, false}) {
        const auto once = batches_of(*p.set, {.batch = 3, .seed = 5, .drop_incomplete = drop}, 9);
        for (const int threads : {2, 4})
            for (const int ahead : {1, 3}) {
                CAPTURE(drop, threads, ahead);
                const loader_options o{
                    .batch = 3, .threads = threads, .ahead = ahead, .seed = 5, .drop_incomplete = drop};
                CHECK(batches_of(*p.set, o, 9) == once);
            }
        CHECK(batches_of(*p.set, {.batch = 3, .seed = 6, .drop_incomplete = drop}, 9) != once);
    }
}

TEST_CASE("samples are those of their streams, in the order of the epoch") {
    const pictures p(5);
    data_loader loader(*p.set, {.batch = 2, .threads = 2, .seed = 11});
    for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
        const auto order = epoch_order(5, 5, 11, epoch);
        for (std::uint64_t step = 0; step < 2; ++step) {
            const training_batch& b = loader.next();
            CHECK(b.at == data_position{epoch, step});
            for (int n = 0; n < 2; ++n) {
                const std::uint64_t index = 2 * step + std::uint64_t(n);
                random_stream random = sample_stream(11, epoch, index);
                const auto s = p.set->sample(order[index], random);
                CHECK(std::memcmp(b.input.at(n, 0, 0), s.input.data(), 8 * 8 * 3 * sizeof(float)) == 0);
                CHECK(std::memcmp(b.target.at(n, 0, 0), s.target.data(), 16 * 16 * 3 * sizeof(float)) == 0);
            }
        }
    }
}

TEST_CASE("the parts of batches are together the batches") {
    const pictures p(9);
    data_loader whole(*p.set, {.batch = 6, .seed = 5, .samples_per_epoch = 14}),
        first(*p.set, {.batch = 6, .threads = 2, .seed = 5, .samples_per_epoch = 14, .part = 0, .parts = 2}),
        second(*p.set, {.batch = 6, .seed = 5, .samples_per_epoch = 14, .part = 1, .parts = 2});
    for (int step = 0; step < 5; ++step) { // two of an epoch
        const training_batch &all = whole.next(), *parts[] = {&first.next(), &second.next()};
        for (int k = 0; k < 2; ++k) {
            REQUIRE((parts[k]->input.batch() == 3 && parts[k]->target.batch() == 3 && parts[k]->at == all.at));
            CHECK(std::memcmp(parts[k]->input.data(), all.input.at(3 * k, 0, 0), parts[k]->input.size() * 4) == 0);
            CHECK(std::memcmp(parts[k]->target.data(), all.target.at(3 * k, 0, 0), parts[k]->target.size() * 4) == 0);
        }
        CHECK((first.position() == whole.position() && second.position() == whole.position()));
    }
    const auto problem = [&](loader_options o) { return error_of([&] { data_loader(*p.set, o); }); };
    CHECK(problem({.batch = 5, .parts = 2}) == "data loader: a batch of 5 in 2 parts: expected a multiple of 2");
    CHECK(contains(problem({.batch = 4, .part = 2, .parts = 2}), "part 2 of 2"));
    CHECK(contains(problem({.batch = 4, .drop_incomplete = false, .parts = 2}), "is dropped"));
}

TEST_CASE("an epoch holds each picture once, in an order of its own") {
    const flat_pictures p(9);
    data_loader loader(*p.set, {.batch = 4, .threads = 3, .seed = 2, .drop_incomplete = false});
    CHECK(loader.steps_per_epoch() == 3);
    std::set<std::vector<int>> orders;
    for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
        std::vector<int> order;
        for (const int samples : {4, 4, 1}) {
            const training_batch& b = loader.next();
            CHECK((b.input.batch() == samples && b.target.batch() == samples));
            CHECK(b.at.epoch == epoch);
            for (const int number : numbers_in(b)) order.push_back(number);
        }
        CHECK(std::set<int>(order.begin(), order.end()).size() == 9);
        orders.insert(order);
    }
    CHECK(orders.size() == 4);
}

TEST_CASE("an incomplete batch is dropped where that is asked for") {
    const flat_pictures p(9);
    data_loader loader(*p.set, {.batch = 4});
    CHECK(loader.steps_per_epoch() == 2);
    for (int step = 0; step < 6; ++step) CHECK(loader.next().input.batch() == 4);
    CHECK(loader.position() == data_position{3, 0});
}

TEST_CASE("a small folder fills long epochs: each picture as often, varied anew") {
    const flat_pictures p(3);
    data_loader loader(*p.set, {.batch = 5, .threads = 2, .samples_per_epoch = 10});
    CHECK(loader.steps_per_epoch() == 2);
    std::map<int, int> count;
    for (int step = 0; step < 2; ++step)
        for (const int number : numbers_in(loader.next())) ++count[number];
    CHECK(count.size() == 3);
    for (const auto& [number, times] : count) CHECK((times == 3 || times == 4));

    const pictures varied_pictures(1);
    data_loader anew(*varied_pictures.set, {.batch = 2, .samples_per_epoch = 2});
    const training_batch& two = anew.next();
    CHECK(std::memcmp(two.target.at(0, 0, 0), two.target.at(1, 0, 0), 16 * 16 * 3 * sizeof(float)) != 0);
}

TEST_CASE("a run resumes anywhere, bit for bit") {
    const pictures p(7);
    for (const bool drop : {true, false}) {
        const loader_options o{.batch = 2, .threads = 2, .seed = 3, .drop_incomplete = drop};
        const auto uninterrupted = batches_of(*p.set, o, 12);
        for (std::size_t cut = 0; cut <= 8; ++cut) {
            data_position position;
            {
                data_loader first(*p.set, o);
                for (std::size_t i = 0; i < cut; ++i) first.next();
                position = first.position();
            }
            CHECK(position == uninterrupted[cut].at);
            loader_options rest = o;
            rest.start = position;
            rest.threads = 1 + int(cut % 3);
            CHECK(batches_of(*p.set, rest, 4) == std::vector(uninterrupted.begin() + std::ptrdiff_t(cut),
                                                             uninterrupted.begin() + std::ptrdiff_t(cut) + 4));
        }
    }
}

TEST_CASE("the end of an epoch is the beginning of the next") {
    const pictures p(4);
    data_loader loader(*p.set, {.batch = 2, .start = {.epoch = 6, .step = 2}});
    CHECK(loader.position() == data_position{7, 0});
    CHECK(loader.next().at == data_position{7, 0});
}

TEST_CASE("a batch stays as it is until the next is asked for") {
    const pictures p(6);
    data_loader loader(*p.set, {.batch = 2, .threads = 4, .ahead = 1});
    for (int i = 0; i < 20; ++i) {
        const training_batch& b = loader.next();
        const auto before = seen(b);
        std::this_thread::sleep_for(std::chrono::milliseconds(i % 3));
        CHECK(seen(b) == before);
    }
}

TEST_CASE("a loader stops at any moment") {
    const pictures p(5, 0);
    for (int i = 0; i < 40; ++i) {
        data_loader loader(*p.set, {.batch = 1 + i % 5, .threads = 1 + i % 4, .ahead = 1 + i % 3});
        for (int used = 0; used < i % 4; ++used) loader.next();
        if (i % 2) std::this_thread::sleep_for(std::chrono::microseconds(100 * i));
    }
    CHECK(p.set->size() == 5);
}

TEST_CASE("whoever waits for a batch may leave, and ask again") {
    const pictures p(4, 0), same(4, 0);
    const auto expected = batches_of(*same.set, {.batch = 4}, 1);
    const fs::path file = p.set->files(0).high, copy = p.scratch.path / "copy";
    fs::rename(file, copy);
    REQUIRE(mkfifo(file.c_str(), 0600) == 0); // which is read when somebody writes
    struct left {};
    int asked = 0;
    data_loader loader(*p.set, {.batch = 4, .waiting = [&] {
                                    if (++asked == 2) throw left{};
                                }});
    CHECK_THROWS_AS(loader.next(), left);
    std::thread writer([&] {
        const auto bytes = read_file(copy);
        std::ofstream to(file, std::ios::binary); // from here on there is a reader,
        fs::rename(copy, file);                   // and the next one finds the file
        to.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
    });
    CHECK(seen(loader.next()) == expected[0]);
    writer.join();
}

TEST_CASE("an error in a thread ends the batches at the same place for any number of threads") {
    const pictures p(6, 0);
    write_text(p.scratch.path / "13.png", "damaged since");
    std::set<int> batches;
    for (const int threads : {1, 2, 4}) {
        data_loader loader(*p.set, {.batch = 1, .threads = threads, .ahead = 4, .seed = 8});
        int count = 0;
        const auto reason = error_of([&] {
            for (; count < 6; ++count) loader.next();
        });
        CHECK(contains(reason, "13.png: not an image"));
        CHECK(error_of([&] { loader.next(); }) == reason);
        CHECK(loader.position().step == std::uint64_t(count));
        batches.insert(count);
    }
    CHECK(batches.size() == 1);
    const auto order = epoch_order(6, 6, 8, 0);
    CHECK(*batches.begin() == std::ranges::find(order, 3u) - order.begin());
}

// The first sample fails after a while, the second after a longer one, all others at once: whichever thread is first
// to fail or last, it is the first sample that is told of.
TEST_CASE("of several errors the earliest sample's is told") {
    const pictures p(6, 0);
    const auto order = epoch_order(6, 6, 0, 0);
    const auto file = [&](std::size_t i) { return p.set->files(order[i]).high; };
    for (std::size_t i = 2; i < 6; ++i) write_text(file(i), "damaged since");
    for (const auto& [i, width] : {std::pair<std::size_t, int>{0, 60000}, {1, 200000}})
        write_picture(file(i), varied(15, width, 3)); // decoded whole, and then too small
    for (int repeat = 0; repeat < 5; ++repeat) {
        data_loader loader(*p.set, {.batch = 6, .threads = 4});
        CHECK(error_of([&] { loader.next(); }).find(file(0).string() + ": ") == 0);
    }
}

TEST_CASE("time that is waited is told") {
    const pictures p(4);
    data_loader loader(*p.set, {.batch = 4});
    CHECK(loader.waited().seconds == 0);
    loader.next();
    const waiting_time first = loader.waited();
    CHECK((first.seconds >= 0 && first.seconds <= first.total));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const waiting_time later = loader.waited();
    CHECK(later.seconds == first.seconds);
    CHECK(later.total >= first.total + 0.002);
    CHECK(later.part() == Approx(later.seconds / later.total));
    CHECK(waiting_time{}.part() == 0);
}

TEST_CASE("loader options without sense are named") {
    const pictures p(4);
    const auto reason = [&](loader_options o) { return error_of([&] { data_loader(*p.set, o); }); };
    CHECK(contains(reason({.batch = 5}), "data loader: a batch of 5 from 4 samples per epoch"));
    CHECK(contains(reason({.batch = 5, .drop_incomplete = false}), "a batch of 5 from 4 samples"));
    CHECK(reason({.batch = 5, .samples_per_epoch = 5}).empty());
    CHECK(contains(reason({.batch = 0}), "batch 0"));
    CHECK(contains(reason({.batch = 1, .threads = -1}), "threads -1"));
    CHECK(contains(reason({.batch = 1, .ahead = 0}), "ahead 0"));
    CHECK(contains(reason({.batch = 2, .start = {.epoch = 1, .step = 3}}), "start at epoch 1, step 3: an epoch has 2"));
    CHECK(contains(reason({.batch = 1, .samples_per_epoch = std::uint64_t(1) << 40}), "samples per epoch"));
}

TEST_CASE("streams of samples share nothing with each other and the order") {
    std::set<std::uint32_t> words;
    for (std::uint64_t epoch = 0; epoch < 10; ++epoch)
        for (std::uint64_t index : {std::uint64_t(0), std::uint64_t(1), std::uint64_t(2), most_samples_per_epoch})
            words.insert(sample_stream(1, epoch, index)());
    CHECK(words.size() == 40);
    CHECK(epoch_order(5, 5, 1, 2) == epoch_order(5, 5, 1, 2));
    CHECK(epoch_order(50, 50, 1, 2) != epoch_order(50, 50, 1, 3));
    CHECK(epoch_order(50, 20, 1, 2).size() == 20);
}
