// The figures of an evaluation as a table, JSON and a page.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace programs {

using scores = std::map<std::string, double>; // by metric

struct image_scores {
    std::string name;
    scores model, bicubic;
};

struct left_out_image {
    std::string file, reason;
};

struct evaluation {
    std::string model;
    std::vector<std::string> metrics;
    std::vector<image_scores> images{};
    std::vector<left_out_image> left_out{}; // that could not be measured; not in the mean

    image_scores mean() const {
        image_scores m{"mean", {}, {}};
        for (auto& i : images) {
            for (auto& [metric, value] : i.model) m.model[metric] += value / double(images.size());
            for (auto& [metric, value] : i.bicubic) m.bicubic[metric] += value / double(images.size());
        }
        return m;
    }
};

std::string table_head(const evaluation& e);
std::string table_row(const evaluation& e, const image_scores& i);
// {"model", "images": [{"name", "psnr", "ssim", ...}], "mean": {...}, "bicubic": {...}}; infinite figures are null.
// Where images were left out, also "left_out": [{"file", "reason"}].
std::string as_json(const evaluation& e);
// `pictures`: the folder of side-by-side pictures, or empty.
std::string as_html(const evaluation& e, const std::string& pictures);

} // namespace programs
