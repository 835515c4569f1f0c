// The pictures on which a network is trained: high resolution alone, or paired with low resolution.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "fovea/core/random.hpp"
#include "fovea/data/folder.hpp"

namespace fovea {

// The files of one picture.
struct picture_files {
    std::filesystem::path high;
    std::filesystem::path low{}; // empty: made from the high resolution
};

// The pictures of a training set, and the files that were left out.
struct picture_list {
    std::vector<picture_files> pictures; // sorted by the path of the high resolution
    std::vector<skipped_file> skipped;
};

// Lists every file below the folder; a training_set finds out which of them are pictures. Throws as files_below() does.
inline picture_list pictures_below(const std::filesystem::path& folder) {
    folder_listing found = files_below(folder);
    picture_list list{{}, std::move(found.skipped)};
    for (auto& path : found.files) list.pictures.push_back({std::move(path)});
    return list;
}

namespace detail {

// Maps each path by its name relative to the folder, without extension. Throws if two names are equal.
inline std::map<std::string, std::filesystem::path> by_stem(const std::filesystem::path& folder,
                                                            const std::vector<std::filesystem::path>& files) {
    std::map<std::string, std::filesystem::path> all;
    for (const auto& path : files) {
        const auto name = path.lexically_relative(folder).replace_extension().generic_string();
        const auto [at, added] = all.emplace(name, path);
        if (!added) fail(path.string(), ": beside ", at->second.string(), ": expected one file of that stem in a pair");
    }
    return all;
}

} // namespace detail

// Pairs the files of two folders whose names are equal except for the extension (butterfly.png and butterfly.jpg) and,
// in the low resolution, the scale (butterflyx2.png for scale 2). A file without a partner is skipped. Throws as
// files_below() does, and if a folder has two files of the same stem.
inline picture_list pairs_below(const std::filesystem::path& high, const std::filesystem::path& low, int scale) {
    folder_listing high_files = files_below(high), low_files = files_below(low);
    picture_list list{{}, std::move(high_files.skipped)};
    std::ranges::move(low_files.skipped, std::back_inserter(list.skipped));
    auto partners = detail::by_stem(low, low_files.files);
    for (const auto& [stem, path] : detail::by_stem(high, high_files.files)) {
        auto partner = partners.find(text_of(stem, 'x', scale));
        if (partner == partners.end()) partner = partners.find(stem);
        if (partner == partners.end()) {
            list.skipped.push_back({path, text_of(path.string(), ": has no partner below ", low.string())});
            continue;
        }
        list.pictures.push_back({path, partner->second});
        partners.erase(partner);
    }
    for (const auto& [stem, path] : partners)
        list.skipped.push_back({path, text_of(path.string(), ": has no partner below ", high.string())});
    std::ranges::sort(list.pictures, {}, &picture_files::high);
    return list;
}

// A list divided into pictures to train on and pictures to validate with.
struct picture_split {
    picture_list training, validation; // in the order of the list; skipped files go with training
};

// Chooses round(share * count) pictures for validation by the seed; of two or more pictures at least one goes to each
// side. Throws unless 0 < share < 1.
inline picture_split split_pictures(picture_list list, double share, std::uint64_t seed) {
    if (!(share > 0 && share < 1)) fail("validation share ", share, ": expected more than 0 and less than 1");
    const std::size_t count = list.pictures.size(), most = count > 0 ? count - 1 : 0;
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t(0));
    random_stream random(seed, UINT64_MAX); // a stream that no sample uses
    shuffle(order, random);
    const auto rounded = std::size_t(std::lround(share * double(count)));
    const std::size_t chosen = std::clamp(rounded, std::min<std::size_t>(most, 1), most);
    std::vector<bool> validates(count);
    for (std::size_t i = 0; i < chosen; ++i) validates[order[i]] = true;
    picture_split split{{{}, std::move(list.skipped)}, {}};
    for (std::size_t i = 0; i < count; ++i)
        (validates[i] ? split.validation : split.training).pictures.push_back(std::move(list.pictures[i]));
    return split;
}

} // namespace fovea
