#include "common/report.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace programs {

namespace {

std::string figure(const std::string& metric, double value) {
    char text[32];
    std::snprintf(text, sizeof text, metric == "psnr" ? "%.4f" : "%.5f", value);
    return text;
}

std::string cell(const std::string& text, int width) {
    return std::string(std::size_t(std::max(0, width - int(text.size()))), ' ') + text;
}

std::string escaped(const std::string& text) {
    std::string safe;
    for (char c : text) {
        if (c == '<')
            safe += "&lt;";
        else if (c == '>')
            safe += "&gt;";
        else if (c == '&')
            safe += "&amp;";
        else if (c == '"')
            safe += "&quot;";
        else
            safe += c;
    }
    return safe;
}

std::string html_row(const evaluation& e, const image_scores& i) {
    std::string row = "<tr><th>" + escaped(i.name) + "</th>";
    for (auto& m : e.metrics)
        row += "<td>" + figure(m, i.model.at(m)) + "</td><td>" + figure(m, i.bicubic.at(m)) + "</td>";
    return row + "</tr>\n";
}

} // namespace

std::string table_head(const evaluation& e) {
    std::string line = cell("", 24);
    for (auto& m : e.metrics) line += cell(m, 11) + cell("(bicubic)", 11);
    return line;
}

std::string table_row(const evaluation& e, const image_scores& i) {
    std::string line = i.name.substr(0, 24);
    line.resize(24, ' ');
    for (auto& m : e.metrics) line += cell(figure(m, i.model.at(m)), 11) + cell(figure(m, i.bicubic.at(m)), 11);
    return line;
}

std::string as_json(const evaluation& e) {
    nlohmann::json all{{"model", e.model}, {"images", nlohmann::json::array()}};
    for (auto& i : e.images) {
        nlohmann::json one = i.model;
        one["name"] = i.name;
        all["images"].push_back(one);
    }
    const auto mean = e.mean();
    all["mean"] = mean.model, all["bicubic"] = mean.bicubic;
    for (auto& l : e.left_out) all["left_out"].push_back({{"file", l.file}, {"reason", l.reason}});
    return all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"; // names may contain any bytes
}

std::string as_html(const evaluation& e, const std::string& pictures) {
    std::string page =
        "<!doctype html><meta charset=\"utf-8\"><title>Evaluation</title>\n"
        "<style>body{font-family:sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:right}"
        "img{max-width:100%}</style>\n<h1>" +
        escaped(e.model) + "</h1>\n<table><tr><th></th>";
    for (auto& m : e.metrics) page += "<th>" + m + "</th><th>bicubic</th>";
    page += "</tr>\n";
    for (auto& i : e.images) page += html_row(e, i);
    if (!e.images.empty()) page += html_row(e, e.mean());
    page += "</table>\n";
    for (auto& l : e.left_out) page += "<p>Left out: " + escaped(l.reason) + "</p>\n";
    if (!pictures.empty())
        for (auto& i : e.images)
            page += "<h2>" + escaped(i.name) + "</h2><p>bicubic, model, original</p><img src=\"" +
                    escaped(pictures + "/" + i.name + ".png") + "\">\n";
    return page;
}

} // namespace programs
