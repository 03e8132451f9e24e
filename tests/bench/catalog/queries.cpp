// How long questions to a catalog take:  queries FILE [--runs 15]
// FILE is one that make_catalog made. The first run of each question stands apart, since it reads what later ones find
// in memory. CPU time tells what a question costs where other programs use the machine, too. Prints a table for
// docs/performance.md.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "vocabulary.hpp"

namespace darkshelf::bench {
namespace {

using catalog::FindQuery;

double milliseconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

/// The one place that knows what find() gives back.
std::string ask(catalog::Catalog& shelf, const FindQuery& query) {
  const catalog::FindResult result = shelf.find(query);
  std::size_t files = 0;
  for (const catalog::Found& one : result.found) files += one.files.size();
  std::string out = std::to_string(result.found.size());
  if (query.files) out += fmt::format(" ({} files)", files);
  if (result.more_at_most > 0) out += fmt::format(", at most {} more", result.more_at_most);
  return out;
}

struct Question {
  std::string told;  // as the program takes it
  FindQuery query;
};

/// Words and options as the program takes them, in one line; '_' stands for a blank in what an option is given.
Question question(catalog::Catalog& shelf, const std::string& line) {
  Question out{line, {}};
  std::vector<std::string> words;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    if (end > at) words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with("--")) {
      out.query.words.push_back(words[i]);
      continue;
    }
    const std::string& option = words[i];
    if (option == "--files") {
      out.query.files = true;
      continue;
    }
    std::string value = words.at(++i);
    std::replace(value.begin(), value.end(), '_', ' ');
    if (option == "--year")
      out.query.year = value;
    else if (option == "--since")
      out.query.since = value;
    else if (option == "--until")
      out.query.until = value;
    else if (option == "--on")
      out.query.drive = shelf.find_drive(value).value().id;
    else if (option == "--at")
      out.query.place = shelf.find_place(value).value().id;
    else if (option == "--camera")
      out.query.camera = value;
    else if (option == "--lens")
      out.query.lens = value;
    else if (option == "--keyword")
      out.query.keyword = value;
    else if (option == "--label")
      out.query.label = value;
    else if (option == "--least-rating")
      out.query.least_rating = std::stoi(value);
    else if (option == "--most-rating")
      out.query.most_rating = std::stoi(value);
    else if (option == "--type")
      out.query.type = value;
    else
      throw std::invalid_argument(option);
  }
  std::replace(out.told.begin(), out.told.end(), '|', '/');
  return out;
}

std::vector<Question> questions(catalog::Catalog& shelf) {
  const std::string rare = keyword(kKeywords - 1), middle = keyword(300), unheard = word(kWords + 1000);
  std::vector<std::string> lines = {
      // one word: of names, of keywords and captions, common and rare
      "wedding", "müller", "iceland", "写真", "東京", "ré", "album", "portrait", "zurich", keyword(100), middle, rare,
      word(kWords - 1),
      // beginnings
      "we", "po", "dsc", "wed", "port", "dsc_",
      // names of files and numbers
      "DSC_0123", "DSC_0123.NEF", "_MG_4711", "0123", "2019", "2019-06-14", "nef",
      // several words
      "smith wedding", "wedding portrait light", "trauung " + middle, "müller hochzeit 2019 paare",
      // what is known of the photos
      "--camera EOS_R5", "--camera nikon", "--lens 85mm", "--lens XF56mmF1.2_R", "--keyword portrait",
      "--keyword " + rare, "--keyword Nature", "--label red", "--least-rating 5", "--most-rating 0", "--year 2019",
      "--since 2019-06 --until 2019-08", "--since 2026-12", "--type raf", "--type jpg",
      // where they are
      "--on Archive-07A", "--at bank/vault", "portrait --at parents/attic", "dsc --on Archive-12B",
      // mixed
      "wedding --year 2019 --camera nikon --least-rating 4",
      "--keyword portrait --lens 85mm --least-rating 3 --label green",
      keyword(20) + " --type nef --since 2020 --at studio/safe",
      // by file, a thousand of them
      "wedding --files", "portrait --files", "dsc --files", "--camera nikon --files", "--type raf --year 2020 --files",
      rare + " --files", "--least-rating 5 --keyword family --files",
      // nothing
      unheard, "wedding " + unheard, "--keyword " + unheard, "--year 1999"};
  std::vector<Question> out;
  out.push_back({"(everything)", {}});
  for (const std::string& line : lines) out.push_back(question(shelf, line));
  const auto odd = [&](const std::string& told, std::vector<std::string> words) {
    out.push_back({told, {}});
    out.back().query.words = std::move(words);
  };
  odd("a word of 10 kB", {std::string(10'000, 'w')});
  std::vector<std::string> many;
  for (std::size_t i = 0, bytes = 0; bytes < 10'000; bytes += many.back().size() + 1) many.push_back(word(i++));
  odd("10 kB of different words", std::move(many));
  odd("the word portrait, 10 kB of it", std::vector<std::string>(1'112, "portrait"));
  odd("odd characters", {"\"", "*", "^a", "NEAR(", "-b", "%", "_", "'", "\\"});
  odd("bytes that are no UTF-8", {"gr\xFF\xFE", "\xC3"});
  odd("a quoted phrase", {"\"smith wedding\""});
  return out;
}

std::string shown(double milliseconds) { return fmt::format("{:.{}f}", milliseconds, milliseconds < 10 ? 2 : 0); }

/// A question that takes so long in all is not asked again.
constexpr double kMostMilliseconds = 10'000;

double median_of(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

int run(const std::string& file, int runs) {
  core::World& world = core::real_world();
  std::vector<double> opens;
  for (int i = 0; i < 6; ++i) {
    const auto began = std::chrono::steady_clock::now();
    catalog::Catalog::open(io::posix(), file, catalog::Catalog::Access::kRead, world, "queries");
    opens.push_back(milliseconds_since(began));
  }
  auto shelf = catalog::Catalog::open(io::posix(), file, catalog::Catalog::Access::kRead, world, "queries");
  fmt::print("Opening the catalog: {} ms at first, then {} ms (median of 5)\n\n", shown(opens.front()),
             shown(median_of({opens.begin() + 1, opens.end()})));
  fmt::print(
      "| query | shoots found | first, ms | median, ms | worst, ms | CPU, ms |\n|---|---:|---:|---:|---:|---:|\n");
  struct Worst {
    double time = 0;
    std::string of;
    void see(double other, const std::string& told) {
      if (other > time) *this = {other, told};
    }
  } median, worst, first;
  for (const Question& question : questions(shelf)) {
    std::string found;
    std::vector<double> times, cpu;
    double spent = 0;
    for (int i = 0; i < runs && (i < 2 || spent < kMostMilliseconds); ++i) {
      const auto began = std::chrono::steady_clock::now();
      const std::clock_t cpu_began = std::clock();
      try {
        found = ask(shelf, question.query);
      } catch (const core::Error& error) {
        found = "refused";
      }
      times.push_back(milliseconds_since(began));
      cpu.push_back(1000.0 * static_cast<double>(std::clock() - cpu_began) / CLOCKS_PER_SEC);
      spent += times.back();
    }
    const double cold = times.front();
    first.see(cold, question.told);
    times.erase(times.begin());
    const double middle = median_of(times), longest = *std::max_element(times.begin(), times.end());
    median.see(middle, question.told);
    worst.see(longest, question.told);
    cpu.erase(cpu.begin());
    fmt::print("| {} | {} | {} | {} | {} | {} |\n", core::printable(question.told), found, shown(cold), shown(middle),
               shown(longest), shown(median_of(cpu)));
    std::fflush(stdout);
  }
  fmt::print("\nLongest median: {} ms ({}); longest of all: {} ms ({}); longest first run: {} ms ({})\n",
             shown(median.time), median.of, shown(worst.time), worst.of, shown(first.time), first.of);
  return 0;
}

}  // namespace
}  // namespace darkshelf::bench

int main(int argc, char** argv) {
  using namespace darkshelf;
  std::string file;
  int runs = 15;
  try {
    for (int i = 1; i < argc; ++i) {
      if (std::string(argv[i]) == "--runs" && i + 1 < argc)
        runs = std::max(std::stoi(argv[++i]), 2);
      else
        file = argv[i];
    }
    if (file.empty() || file.starts_with("--")) throw std::invalid_argument("FILE");
    return bench::run(file, runs);
  } catch (const core::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}?\nqueries FILE [--runs N]\n", error.what());
  }
  return 1;
}
