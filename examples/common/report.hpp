// The results of an evaluation as a table, as JSON and as an HTML page.
#pragma once
#include <map>
#include <string>
#include <vector>

namespace programs {

using scores = std::map<std::string, double>; // by name of the metric

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
    std::vector<left_out_image> left_out{}; // images that could not be measured, not in the mean

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
// Returns {"model", "images": [{"name", "psnr", "ssim", ...}], "mean": {...}, "bicubic": {...}}, with null for infinite
// values, and "left_out": [{"file", "reason"}] if images were left out.
std::string as_json(const evaluation& e);
// pictures: the folder of side-by-side pictures, or an empty name.
std::string as_html(const evaluation& e, const std::string& pictures);

} // namespace programs
