#include "fovea/data/training_set.hpp"

#include <set>

#include "support.hpp"
#include "support/data.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using namespace fovea_test;

namespace {

const sample_options small_parts{.scale = 2, .augment = plain_part(16)};
const sample_options any_size{
    .scale = 2, .degradation = degradation_kind::antialias, .augment = {.size = 16, .resized = resized_crop_options{}}};

std::string bytes_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Pictures and what is none, in one folder: what is skipped, by name, and a part of the reason.
std::vector<std::pair<std::string, std::string>> write_mixture(const fs::path& folder) {
    write_picture(folder / "colour.png", varied(20, 30, 3));
    write_picture(folder / "deep.png", varied(24, 20, 3, sample_type::u16));
    write_picture(folder / "gray.png", varied(20, 20, 1));
    write_picture(folder / "sub/alpha.png", varied(20, 20, 4));
    write_picture(folder / "sub/photo.jpg", varied(33, 31, 3));
    write_picture(folder / "tiny.png", varied(15, 40, 3));
    write_text(folder / "empty.png", "");
    write_text(folder / "notes.txt", "no picture");
    const std::string whole = bytes_of(folder / "colour.png");
    write_text(folder / "cut.png", whole.substr(0, whole.size() / 2));
    return {{"cut.png", "cut.png: "},
            {"empty.png", "empty file"},
            {"notes.txt", "not an image of a known format"},
            {"tiny.png", "has 40x15 pixels: expected at least 16 on each side"}};
}

image whole_of(const training_set& set, const std::string& name) {
    for (std::size_t i = 0; i < set.size(); ++i)
        if (set.files(i).high.filename() == name) return set.pictures(i)->high;
    FAIL(name << " is not in the set");
    return {};
}

} // namespace

TEST_CASE("what cannot be trained on is left out, each with its reason, once") {
    scratch_folder scratch;
    const auto expected = write_mixture(scratch.path);
    for (const int threads : {1, 3, 0}) {
        const training_set set(pictures_below(scratch.path), small_parts, {.threads = threads});
        CHECK(set.size() == 5);
        REQUIRE(set.skipped().size() == expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            CHECK(set.skipped()[i].path.filename() == expected[i].first);
            CHECK(contains(set.skipped()[i].reason, expected[i].second));
            CHECK(set.skipped()[i].reason.find(set.skipped()[i].path.string()) == 0);
            CHECK_FALSE(contains(set.skipped()[i].reason, "\n"));
        }
    }
}

TEST_CASE("every kind of picture becomes RGB of its own depth") {
    scratch_folder scratch;
    write_mixture(scratch.path);
    const training_set set(pictures_below(scratch.path), small_parts);
    CHECK(whole_of(set, "colour.png") == varied(20, 30, 3));
    CHECK(whole_of(set, "deep.png") == varied(24, 20, 3, sample_type::u16));
    CHECK(whole_of(set, "gray.png") == with_channels(varied(20, 20, 1), 3));
    CHECK(whole_of(set, "alpha.png") == with_channels(with_bled_colours(varied(20, 20, 4)), 3));
    for (std::size_t i = 0; i < set.size(); ++i) {
        random_stream random(1);
        const auto s = set.sample(i, random);
        CHECK((s.input.height() == 8 && s.input.width() == 8 && s.input.channels() == 3));
        CHECK((s.target.type() == sample_type::f32 && s.target.channels() == 3));
    }
}

TEST_CASE("colours under transparent pixels are not trained on") {
    scratch_folder scratch;
    image half(16, 16, 4);
    for (int y = 0; y < 16; ++y)
        for (std::size_t x = 0; x < 16; ++x)
            for (std::size_t c = 0; c < 4; ++c) half.row<std::uint8_t>(y)[4 * x + c] = x < 8 ? 200 : 0;
    write_picture(scratch.path / "half.png", half);
    CHECK(read_rgb(scratch.path / "half.png") == flat(16, 16, 200));
}

TEST_CASE("pictures smaller than the part will do for resized crops") {
    scratch_folder scratch;
    write_mixture(scratch.path);
    const training_set set(pictures_below(scratch.path), any_size);
    CHECK(set.size() == 6);
    CHECK(whole_of(set, "tiny.png").height() == 15);
}

TEST_CASE("the low resolution is MATLAB's of the whole, of the largest part that the scale divides") {
    scratch_folder scratch;
    write_picture(scratch.path / "odd.png", varied(41, 53, 3));
    const training_set set(pictures_below(scratch.path), {.scale = 4, .augment = plain_part(16)});
    const auto pictures = set.pictures(0);
    CHECK(pictures->high == crop(varied(41, 53, 3), 0, 0, 40, 52));
    CHECK(pictures->low == resize_matlab(pictures->high, 10, 13));
}

TEST_CASE("the cache keeps to its budget and changes no sample") {
    scratch_folder scratch;
    write_pictures(scratch.path, 6, 32);
    const auto samples = [&](std::uint64_t budget, std::uint64_t least, std::uint64_t most) {
        const training_set set(pictures_below(scratch.path), small_parts, {.cache_bytes = budget, .threads = 2});
        std::vector<image> all;
        for (std::size_t i = 0; i < 2 * set.size(); ++i) {
            random_stream random(i);
            all.push_back(set.sample(i % set.size(), random).input);
            CHECK((set.cached_bytes() >= least && set.cached_bytes() <= most));
        }
        return all;
    };
    // A picture of 32x32 pixels and its half take 3840 bytes, the largest (37x42, cut to 36x42) 5670.
    const auto none = samples(0, 0, 0), some = samples(9000, 3331, 9000), all = samples(1 << 20, 6 * 3840, 6 * 5670);
    CHECK(none == some);
    CHECK(none == all);
}

TEST_CASE("pairs are read as they are, and must have sizes that the scale says") {
    scratch_folder scratch;
    const fs::path high = scratch.path / "HR", low = scratch.path / "LR";
    write_picture(high / "a.png", varied(36, 40, 3));
    write_picture(low / "ax2.png", varied(18, 20, 3));
    write_picture(high / "b.png", varied(36, 40, 3));
    write_text(low / "bx2.png", "damaged");
    write_text(high / "notes.txt", "no picture");
    const training_set set(pairs_below(high, low, 2), small_parts);
    CHECK(set.size() == 1);
    CHECK(set.pictures(0)->low == varied(18, 20, 3));
    REQUIRE(set.skipped().size() == 2);
    CHECK(contains(set.skipped()[0].reason, "bx2.png: not an image"));
    CHECK(contains(set.skipped()[1].reason, "notes.txt: has no partner"));

    write_picture(low / "bx2.png", varied(18, 21, 3));
    const auto reason = error_of([&] { training_set(pairs_below(high, low, 2), small_parts, {.threads = 2}); });
    CHECK(reason == (high / "b.png").string() + ": has 40x36 pixels: expected 2 times the 21x18 of " +
                        (low / "bx2.png").string());
    CHECK(contains(error_of([&] { training_set(pairs_below(high, low, 2), any_size); }), "resized crop"));
}

TEST_CASE("a set without a picture is an error of one line") {
    scratch_folder scratch;
    write_text(scratch.path / "notes.txt", "no picture");
    write_picture(scratch.path / "small.png", varied(8, 8, 3));
    const auto reason = error_of([&] { training_set(pictures_below(scratch.path), small_parts); });
    CHECK(contains(reason, "training set: none of 2 files is a picture to train on, the first: "));
    CHECK(contains(reason, "notes.txt: not an image"));
    CHECK_FALSE(contains(reason, "\n"));
}

TEST_CASE("a file that is damaged later is an error that names it") {
    scratch_folder scratch;
    write_pictures(scratch.path, 2, 32);
    const training_set set(pictures_below(scratch.path), small_parts, {.cache_bytes = 0});
    write_text(scratch.path / "11.png", "gone");
    random_stream random(1);
    CHECK_NOTHROW(set.sample(0, random));
    CHECK(contains(error_of([&] { set.sample(1, random); }), "11.png: not an image"));
}

TEST_CASE("a folder of files of every kind") {
    FOVEA_NEEDS_DATA(folder, "data/formats");
    const picture_list list = pictures_below(folder);
    const training_set set(list, any_size, {.threads = 2});
    CHECK(set.size() >= (FOVEA_WITH_LIBWEBP ? 460 : 310)); // as in the tests of reading
    CHECK(set.skipped().size() >= (FOVEA_WITH_LIBTIFF ? 40 : 50));
    CHECK(set.size() + set.skipped().size() == list.pictures.size() + list.skipped.size());
    std::set<fs::path> paths;
    for (const auto& s : set.skipped()) paths.insert(s.path);
    CHECK(paths.size() == set.skipped().size());
    for (const std::string name :
         {"pil_sample_cmyk.jpg", "basn0g16.png", "basn4a16.png", "basn6a08.png", "basn0g01.png"})
        CHECK(whole_of(set, name).channels() == 3);
}

TEST_CASE("published pairs are what is made of their high resolution") {
    FOVEA_NEEDS_DATA(folder, "data/test/Set5");
    const sample_options o{.scale = 2, .augment = plain_part(192)};
    const training_set given(pairs_below(folder / "HR", folder / "LRbicx2", 2), o),
        made(pictures_below(folder / "HR"), o);
    REQUIRE(given.size() == 5);
    REQUIRE(made.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(given.files(i).high == made.files(i).high);
        CHECK(given.pictures(i)->high == made.pictures(i)->high);
        CHECK(given.pictures(i)->low == made.pictures(i)->low);
    }
}
