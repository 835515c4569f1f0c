#include "common/training_evaluation.hpp"

#include <cmath>

#include "common/files.hpp"
#include "common/stopping.hpp"

namespace programs {

using namespace fovea;

namespace {

constexpr int largest_shown = 384; // pixels along a side

// Puts the centres of pictures of the same size side by side.
image side_by_side(std::initializer_list<const image*> pictures) {
    const image& first = **pictures.begin();
    const int height = std::min(first.height(), largest_shown), width = std::min(first.width(), largest_shown);
    image all(height, width * int(pictures.size()), 3, sample_type::u8);
    int at = 0;
    for (const image* p : pictures) {
        const image part =
            with_type(crop(*p, (p->height() - height) / 2, (p->width() - width) / 2, height, width), sample_type::u8);
        for (int y = 0; y < height; ++y)
            std::ranges::copy(part.row<std::uint8_t>(y), all.row<std::uint8_t>(y).begin() + std::ptrdiff_t(at) * 3);
        at += width;
    }
    return all;
}

image enlarged_by_bicubic(const image& low, int scale) {
    return resize_matlab(low, low.height() * scale, low.width() * scale);
}

} // namespace

void to_range(const value_range& range, const tensor<float>& from, tensor<float>& to) {
    if (to.size() != from.size()) to = tensor<float>(from.batch(), from.height(), from.width(), from.channels());
    const float low = range.low, span = range.high - range.low;
    for (std::size_t i = 0; i < from.size(); ++i) to.data()[i] = low + span * from.data()[i];
}

std::string text_of_scores(const scores& s) {
    std::string all;
    for (auto& [name, value] : s) {
        char number[64];
        std::snprintf(number, sizeof number, "%s%s %.4f", all.empty() ? "" : ", ", name.c_str(), value);
        all += number;
    }
    return all;
}

// ---- images of a test folder

test_images::test_images(const std::string& folder, int scale, measure_function measure)
    : files_(images_in(folder)), scale_(scale), measure_(std::move(measure)) {
    for (std::size_t i = 0; i < files_.size(); ++i) { // VIF is measured on all images or on none
        const image high = original(i);
        with_vif_ &= std::min(high.height(), high.width()) - 2 * scale_ >= vif_least_side;
        scores one;
        const std::string reason =
            reason_of_failure([&] { one = measure_one(enlarged_by_bicubic(smaller(high), scale_), high); });
        if (!reason.empty()) fail(files_[i].string(), ": cannot be measured: ", reason);
        for (auto& [name, value] : one) bicubic_[name] += value / double(files_.size());
    }
    if (!with_vif_) bicubic_.erase("vif");
}

image test_images::original(std::size_t i) const {
    const image whole = read_rgb8(files_[i]);
    const int least = 4 * scale_; // the crop on both sides, and some pixels to measure
    if (std::min(whole.height(), whole.width()) < least)
        fail(files_[i].string(), ": has ", whole.width(), "x", whole.height(), " pixels: expected at least ", least,
             " on each side of a test image");
    return crop_to_multiple(whole, scale_);
}

image test_images::smaller(const image& high) const {
    return resize_matlab(high, high.height() / scale_, high.width() / scale_);
}

scores test_images::measure_one(const image& made, const image& high) {
    return measure_(made, high, {.channels = metric_channels::y, .crop = scale_}, {.vif = with_vif_});
}

scores test_images::measure(upscaler& net, const accuracy_function& accuracy, const show_function& show) {
    std::stop_source stop;
    const run_options how{.progress =
                              [&](double) {
                                  if (stop_asked()) stop.request_stop();
                              },
                          .stop = stop.get_token()};
    scores s;
    for (std::size_t i = 0; i < files_.size(); ++i) {
        const image high = original(i), low = smaller(high), made = net(low, how);
        throw_if_stopped();
        for (auto& [name, value] : measure_one(made, high)) s[name] += value / double(files_.size());
        if (accuracy) s["critic accuracy"] += accuracy(high, made) / double(files_.size());
        if (i >= most_shown || !show) continue;
        const image bicubic = enlarged_by_bicubic(low, scale_);
        show("evaluation/" + files_[i].stem().string(), side_by_side({&bicubic, &made, &high}));
    }
    s["psnr over bicubic"] = s["psnr"] - bicubic_["psnr"];
    return s;
}

// ---- validation images

validation_images::validation_images(picture_list pictures, const training_options& o, const zoo::architecture& what)
    : set_(std::move(pictures), o.samples(), {.threads = o.num_dataset_processes}),
      range_(what.range),
      scale_(what.scale),
      batch_(std::min<int>(o.batch_size, int(set_.size()))),
      threads_(o.num_dataset_processes),
      in_rgb_(what.colours == colour_space::rgb),
      loss_(o.make_loss()) {
    bicubic_ = means([this](image_batch x) { return interpolate(x); }, {}, {});
}

namespace {

image image_of(image_batch from, int n) {
    image to(from.height(), from.width(), 3, sample_type::f32);
    for (int y = 0; y < from.height(); ++y)
        std::copy_n(from.at(n, y, 0), std::ptrdiff_t(from.width()) * 3, to.row<float>(y).data());
    return to;
}

} // namespace

image_batch validation_images::interpolate(image_batch x) {
    if (enlarged_.batch() != x.batch() || enlarged_.height() != x.height() * scale_)
        enlarged_ = tensor<float>(x.batch(), x.height() * scale_, x.width() * scale_, 3);
    for (int n = 0; n < x.batch(); ++n) {
        const image large = enlarged_by_bicubic(image_of(x, n), scale_);
        for (int y = 0; y < large.height(); ++y) std::ranges::copy(large.row<float>(y), enlarged_.at(n, y, 0));
    }
    return std::as_const(enlarged_).view();
}

scores validation_images::measure(const forward_function& forward, const accuracy_function& accuracy,
                                  const show_function& show) {
    scores s = means(forward, accuracy, show);
    s["validation psnr over bicubic"] = s["validation psnr"] - bicubic_["validation psnr"];
    return s;
}

scores validation_images::means(const forward_function& forward, const accuracy_function& accuracy,
                                const show_function& show) {
    data_loader data(set_, {.batch = batch_, .threads = threads_, .drop_incomplete = false});
    tensor<float> x, t, unused;
    double loss = 0, psnr = 0, right = 0, images = 0;
    for (std::uint64_t i = 0; i < data.steps_per_epoch(); ++i) {
        throw_if_stopped();
        const training_batch& b = data.next();
        to_range(range_, b.input, x), to_range(range_, b.target, t);
        const image_batch target = std::as_const(t).view(), y = forward(std::as_const(x).view());
        if (unused.size() != t.size()) unused = tensor<float>(t.batch(), t.height(), t.width(), 3);
        const double count = b.input.batch();
        const double square = l2_loss{}(y, target, unused.view(), 0), span = range_.high - range_.low;
        loss += loss_(y, target, unused.view(), 0) * count;
        psnr += 10 * std::log10(span * span / std::max(square, 1e-10)) * count; // at most 100 dB; 8 bits reach 59
        if (accuracy) right += accuracy(target, y) * count;
        if (show && in_rgb_) show_batch(std::as_const(x).view(), y, target, std::size_t(images), show);
        images += count;
    }
    scores s{{"validation loss", loss / images}, {"validation psnr", psnr / images}};
    if (accuracy) s["critic accuracy"] = right / images;
    return s;
}

void validation_images::show_batch(image_batch x, image_batch y, image_batch t, std::size_t first,
                                   const show_function& show) {
    const auto to_unit = [&](image of) {
        for (int row = 0; row < of.height(); ++row)
            for (float& v : of.row<float>(row)) v = (v - range_.low) / (range_.high - range_.low);
        return of;
    };
    for (int n = 0; n < x.batch() && first + std::size_t(n) < most_shown; ++n) {
        const image made = to_unit(image_of(y, n)), original = to_unit(image_of(t, n)),
                    bicubic = to_unit(enlarged_by_bicubic(image_of(x, n), scale_));
        show(text_of("validation/", first + std::size_t(n)), side_by_side({&bicubic, &made, &original}));
    }
}

} // namespace programs
