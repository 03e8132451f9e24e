// How fast photos are read:  photo_rates [--workers N] [--repeat N] [--no-thumbnails] [--no-digests] [--json] FILE…
// Prints files a second and MB a second, from memory that the files were read into before; --json prints what was
// found, a line a file, instead.

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "photo/pool.hpp"

namespace core = darkshelf::core;
namespace io = darkshelf::io;
namespace photo = darkshelf::photo;

int main(int argc, char** argv) {
  photo::PoolOptions options;
  photo::Wanted wanted;
  std::size_t repeat = 1;
  bool json = false;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--workers" && i + 1 < argc) {
      options.workers = static_cast<unsigned>(std::stoul(argv[++i]));
    } else if (word == "--repeat" && i + 1 < argc) {
      repeat = std::stoul(argv[++i]);
    } else if (word == "--no-thumbnails") {
      wanted.thumbnail = false;
    } else if (word == "--no-digests") {
      wanted.digest = false;
    } else if (word == "--json") {
      json = true;
    } else {
      names.push_back(word);
    }
  }
  std::vector<core::Bytes> files;
  std::uint64_t bytes = 0;
  for (const std::string& name : names) {
    files.push_back(io::read_file(io::posix(), name, std::uint64_t{1} << 30));
    bytes += files.back().size();
  }
  photo::Pool pool(options);
  if (json) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      const photo::Extract out = pool.extract({names[i], files[i], {}, wanted});
      std::string problems;
      for (const std::string& one : out.problems) problems += (problems.empty() ? "" : "; ") + one;
      std::printf(
          "%s %s thumbnail=%zu digest=%s %s failure=%d problems=%s\n", names[i].c_str(),
          out.metadata ? photo::to_json(*out.metadata).c_str() : "-", out.thumbnail.size(),
          out.digest ? (out.digest->method + ":" + core::to_hex(out.digest->sha256).substr(0, 12)).c_str() : "-",
          out.not_as_named ? out.not_as_named->reason.c_str() : "as named", static_cast<int>(out.failure),
          problems.c_str());
    }
    return 0;
  }
  std::atomic<std::size_t> next{0}, with_metadata{0}, with_thumbnail{0};
  const std::size_t total = files.size() * repeat;
  const auto began = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < pool.size(); ++t) {
      threads.emplace_back([&] {
        for (std::size_t i = next++; i < total; i = next++) {
          const photo::Extract out = pool.extract({names[i % files.size()], files[i % files.size()], {}, wanted});
          with_metadata += out.metadata.has_value();
          with_thumbnail += !out.thumbnail.empty();
        }
      });
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  fmt::print("{} files in {:.2f} s: {:.1f} files/s, {:.0f} MB/s; {} with metadata, {} with a thumbnail; {} workers\n",
             total, seconds, static_cast<double>(total) / seconds, static_cast<double>(bytes * repeat) / 1e6 / seconds,
             with_metadata.load(), with_thumbnail.load(), pool.size());
  return 0;
}
