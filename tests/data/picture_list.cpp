#include "fovea/data/picture_list.hpp"

#include <algorithm>
#include <set>

#include "support.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using namespace fovea_test;

namespace {

picture_list numbered(int count) {
    picture_list list;
    for (int i = 0; i < count; ++i) list.pictures.push_back({std::to_string(1000 + i)});
    return list;
}

} // namespace

TEST_CASE("pairs are files of one stem, or of the stem with the scale") {
    scratch_folder scratch;
    const fs::path high = scratch.path / "HR", low = scratch.path / "LR";
    for (const std::string name : {"a.png", "b/c.png", "b/d.png", "e.png", "f.png"}) write_text(high / name, "h");
    for (const std::string name : {"ax2.png", "a.png", "b/c.jpg", "b/dx2.webp", "ex3.png", "c.png"})
        write_text(low / name, "l");
    const picture_list list = pairs_below(high, low, 2);
    REQUIRE(list.pictures.size() == 3);
    CHECK(list.pictures[0].high == high / "a.png");
    CHECK(list.pictures[0].low == low / "ax2.png");
    CHECK(list.pictures[1].high == high / "b/c.png");
    CHECK(list.pictures[1].low == low / "b/c.jpg");
    CHECK(list.pictures[2].low == low / "b/dx2.webp");
    std::set<std::string> skipped;
    for (const auto& s : list.skipped) skipped.insert(s.reason);
    const auto lonely = [](const fs::path& path, const fs::path& other) {
        return path.string() + ": has no partner below " + other.string();
    };
    CHECK(skipped == std::set<std::string>{lonely(high / "e.png", low), lonely(high / "f.png", low),
                                           lonely(low / "a.png", high), lonely(low / "c.png", high),
                                           lonely(low / "ex3.png", high)});
}

TEST_CASE("two files of one stem are ambiguous") {
    scratch_folder scratch;
    for (const std::string name : {"HR/a.png", "HR/a.jpg", "LR/a.png"}) write_text(scratch.path / name, "x");
    const auto reason = error_of([&] { pairs_below(scratch.path / "HR", scratch.path / "LR", 2); });
    CHECK(contains(reason, "a.png: beside "));
    CHECK(contains(reason, "a.jpg: expected one file of that stem"));
}

TEST_CASE("a split is a share that the seed chooses") {
    const auto whole = numbered(50);
    const picture_split split = split_pictures(whole, 0.1, 7);
    CHECK(split.validation.pictures.size() == 5);
    CHECK(split.training.pictures.size() == 45);
    auto together = names_of(split.training.pictures), validation = names_of(split.validation.pictures);
    CHECK(std::ranges::is_sorted(together));
    CHECK(std::ranges::is_sorted(validation));
    together.insert(together.end(), validation.begin(), validation.end());
    std::ranges::sort(together);
    CHECK(together == names_of(whole.pictures));
    CHECK(names_of(split_pictures(whole, 0.1, 7).validation.pictures) == validation);
    CHECK(names_of(split_pictures(whole, 0.1, 8).validation.pictures) != validation);
}

TEST_CASE("each side of a split has a picture where there are two") {
    CHECK(split_pictures(numbered(2), 0.01, 1).validation.pictures.size() == 1);
    CHECK(split_pictures(numbered(2), 0.99, 1).training.pictures.size() == 1);
    CHECK(split_pictures(numbered(1), 0.5, 1).training.pictures.size() == 1);
    CHECK(split_pictures(numbered(0), 0.5, 1).training.pictures.empty());
    CHECK(contains(error_of([] { split_pictures({}, 1, 1); }), "validation share 1"));
    CHECK(contains(error_of([] { split_pictures({}, 0, 1); }), "expected more than 0 and less than 1"));
}
