// The pictures on which a network is trained, ready to be sampled.
//
// Every file is decoded once when the set is made, and unusable ones are skipped: damaged files, files that are no
// images, and pictures smaller than the crop. So the length of an epoch is known before the first step and is the same
// for a resumed run. Pictures that fit into the cache stay in memory as decoded, with the 8 or 16 bits of the file, in
// RGB (gray three times; alpha dropped after transparent pixels got colours, as in inference).
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fovea/core/threads.hpp"
#include "fovea/data/picture_list.hpp"
#include "fovea/data/sample.hpp"
#include "fovea/image/alpha.hpp"
#include "fovea/image/resize_matlab.hpp"
#include "fovea/io/image/read.hpp"

namespace fovea {

// Memory and threads of a training_set.
struct training_set_options {
    std::uint64_t cache_bytes = std::uint64_t(1) << 30; // for decoded pictures in memory
    int threads = 1; // threads that decode the files at the start; 0: as many as the machine has
};

// Reads an image file as three channels of its own sample type. Throws as read_image() does.
inline image read_rgb(const std::filesystem::path& path) {
    return with_channels(with_bled_colours(read_image(path)), 3);
}

// Pictures that are sampled by index, from files or from a cache in memory.
class training_set {
  public:
    // Throws if an option is invalid, if no picture is usable, or if a low resolution has the wrong size for the scale.
    training_set(picture_list list, sample_options options, training_set_options how = {})
        : options_(options),
          files_(std::move(list.pictures)),
          skipped_(std::move(list.skipped)),
          cache_(files_.size(), how.cache_bytes) {
        check(options_, is_paired());
        const std::size_t found = files_.size() + skipped_.size();
        leave_out_unusable(how.threads);
        std::ranges::sort(skipped_, {}, &skipped_file::path);
        if (usable_.empty())
            fail("training set: none of ", found, " files is a picture to train on",
                 skipped_.empty() ? "" : ", the first: " + skipped_.front().reason);
    }

    // Number of usable pictures, the options, and the files of picture i of [0, size()).
    std::size_t size() const { return usable_.size(); }
    const sample_options& options() const { return options_; }
    const picture_files& files(std::size_t i) const { return files_[usable_[i]]; }
    const std::vector<skipped_file>& skipped() const { return skipped_; } // sorted by path, once each
    // Bytes of the pictures that are in memory.
    std::uint64_t cached_bytes() const { return cache_.bytes(); }

    // Returns picture i of [0, size()). If the low resolution is made from the whole picture, the high one is cropped
    // to multiples of the scale. Safe to call from many threads. Throws if a file has become unusable since.
    std::shared_ptr<const picture_pair> pictures(std::size_t i) const {
        const std::size_t file = usable_[i];
        if (auto kept = cache_.find(file)) return kept;
        auto made = std::make_shared<picture_pair>(read(file));
        check_sizes(file, *made);
        complete(*made);
        cache_.offer(file, made);
        return made;
    }

    // Makes a sample of picture i. It depends only on the numbers from the stream.
    training_sample sample(std::size_t i, random_stream& random) const {
        return make_sample(*pictures(i), options_, random);
    }

  private:
    bool is_given(std::size_t file) const { return !files_[file].low.empty(); }
    bool is_paired() const {
        return options_.degradation == degradation_kind::matlab ||
               std::ranges::any_of(files_, [](const picture_files& f) { return !f.low.empty(); });
    }

    // Reads the pictures. Throws if a file is no picture or is too small.
    picture_pair read(std::size_t file) const {
        picture_pair p;
        p.high = read_rgb(files_[file].high);
        const int least = options_.augment.resized ? 1 : options_.augment.size;
        if (std::min(p.high.height(), p.high.width()) < least)
            fail(files_[file].high.string(), ": has ", p.high.width(), "x", p.high.height(),
                 " pixels: expected at least ", least, " on each side, the size of a training part");
        if (is_given(file)) p.low = read_rgb(files_[file].low);
        return p;
    }

    void check_sizes(std::size_t file, const picture_pair& p) const {
        const int scale = options_.scale;
        if (is_given(file) && (p.high.height() != p.low.height() * scale || p.high.width() != p.low.width() * scale))
            fail(files_[file].high.string(), ": has ", p.high.width(), "x", p.high.height(), " pixels: expected ",
                 scale, " times the ", p.low.width(), "x", p.low.height(), " of ", files_[file].low.string());
    }

    void complete(picture_pair& p) const {
        if (options_.degradation != degradation_kind::matlab || !p.low.empty()) return;
        const int scale = options_.scale;
        p.high = crop_to_multiple(p.high, scale);
        p.low = resize_matlab(p.high, p.high.height() / scale, p.high.width() / scale);
    }

    // Fills usable_ and skipped_: looks at the files in parallel and collects the results in file order.
    void leave_out_unusable(int threads) {
        std::vector<std::string> unusable(files_.size()), wrong(files_.size());
        const auto look = [&](int i, int) noexcept {
            const std::size_t file = std::size_t(i);
            auto made = std::make_shared<picture_pair>();
            unusable[file] = reason_of_failure([&] { *made = read(file); });
            if (!unusable[file].empty()) return;
            wrong[file] = reason_of_failure([&] {
                check_sizes(file, *made);
                if (!cache_.has_room(made->bytes())) return; // the low resolution would be computed in vain
                complete(*made);
                cache_.offer(file, made);
            });
        };
        context({.threads = threads}).parallel_for(int(files_.size()), look);
        for (std::size_t file = 0; file < files_.size(); ++file) {
            if (!wrong[file].empty()) fail(wrong[file]);
            if (unusable[file].empty())
                usable_.push_back(file);
            else
                skipped_.push_back({files_[file].high, unusable[file]});
        }
    }

    sample_options options_;
    std::vector<picture_files> files_;
    std::vector<std::size_t> usable_; // indices in files_
    std::vector<skipped_file> skipped_;
    mutable picture_cache cache_; // by index in files_
};

} // namespace fovea
