#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/text.hpp"
#include "io/paths.hpp"
#include "parity/par2_files.hpp"
#include "parity/set_builder.hpp"

namespace darkshelf::parity {

using core::Code;
using core::Error;

namespace {

constexpr std::size_t kHead = 16384;
constexpr std::uint32_t kDefaultSlices = 2000;
constexpr double kDefaultPercent = 5;

void collect(io::FileSystem& fs, const io::Path& path, std::vector<io::Path>& files) {
  const auto stat = fs.stat_following(path);
  if (!stat) throw Error(Code::kNotFound, fmt::format("there is no {}", core::printable(path.string())));
  if (stat->type == io::FileType::kRegular) files.push_back(fs.canonical(path));
  if (stat->type != io::FileType::kDirectory) return;
  for (const io::Entry& entry : fs.list(path)) {
    if (entry.type != io::FileType::kSymlink) collect(fs, path / entry.name, files);
  }
}

std::string name_below(const io::Path& folder, const io::Path& file) {
  if (!io::lies_in(file, folder)) {
    throw Error(Code::kUsage,
                fmt::format("{} does not lie below {}, where the set is going to lie", core::printable(file.string()),
                            core::printable(folder.string())),
                "put the set into a folder above all its files");
  }
  return io::below(file, folder);
}

/// The smallest slices that make at most `most` of them.
std::uint64_t slice_bytes_for(const std::vector<SetFile>& files, std::uint32_t most) {
  if (files.size() > most) {
    throw Error(Code::kUsage, fmt::format("{} need a slice each, more than {}", core::count_of(files.size(), "file"),
                                          core::count_of(most, "slice")));
  }
  std::uint64_t low = 1, high = 1;
  while (slice_count(files, high * 4) > most) high *= 2;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (slice_count(files, middle * 4) > most) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low * 4;
}

}  // namespace

CreateReport create_set(io::FileSystem& fs, const CreateRequest& request, const core::Work& work) {
  std::string base = request.set.filename().string();
  if (base.ends_with(".par2")) base.resize(base.size() - 5);
  if (base.empty()) throw Error(Code::kUsage, "the set needs a name, such as photos.par2");
  const io::Path folder = fs.canonical(request.set.parent_path().empty() ? io::Path(".") : request.set.parent_path());
  CreateReport report;
  std::vector<io::Path> paths;
  for (const io::Path& path : request.files) collect(fs, path, paths);
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  std::vector<SetFile> files;
  std::vector<io::Path> sources;
  for (const io::Path& path : paths) {
    const auto file = fs.open_read(path);
    const std::uint64_t bytes = file->stat().bytes;
    if (bytes == 0) {
      report.skipped_empty.push_back(path);
      continue;
    }
    core::Bytes head(std::min<std::uint64_t>(bytes, kHead));
    head.resize(file->read_at(0, head));
    files.push_back({name_below(folder, path), bytes, digest::md5(head)});
    sources.push_back(path);
    report.bytes += bytes;
  }
  if (files.empty()) throw Error(Code::kUsage, "there is no file with anything in it to protect");

  SetOptions options;
  options.base = base;
  options.slice_bytes =
      request.slice_bytes ? *request.slice_bytes : slice_bytes_for(files, request.slices.value_or(kDefaultSlices));
  options.first_exponent = request.first_exponent;
  report.slice_bytes = options.slice_bytes;
  const std::uint64_t slices = options.slice_bytes == 0 ? 0 : slice_count(files, options.slice_bytes);
  const double percent = request.percent.value_or(kDefaultPercent);
  options.recovery_slices = request.recovery_slices.value_or(
      std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::lround(static_cast<double>(slices) * percent / 100))));
  options.creator = "darkshelf";
  options.hashes = digest::Hashes::kPar2;
  report.slices = static_cast<std::uint32_t>(slices);
  report.recovery_slices = options.recovery_slices;

  report.plan = recovery_plan(files, options, work).explanation();
  if (request.plan_only) return report;
  SetBuilder builder(files, options, work);
  for (const std::string& name : builder.file_names()) {
    if (fs.stat(folder / name)) {
      throw Error(Code::kUsage, fmt::format("{} is there already", core::printable((folder / name).string())),
                  "remove it first, or choose another name");
    }
  }
  work.told().begin("computing parity", report.bytes);
  for (std::size_t i = 0; i < files.size(); ++i) {
    builder.begin_file(i);
    const auto file = fs.open_read(sources[i]);
    for (std::uint64_t offset = 0; offset < files[i].bytes;) {
      work.check();
      const core::MutableByteSpan room = builder.room();
      const std::size_t got =
          file->read_at(offset, room.first(std::min<std::uint64_t>(room.size(), files[i].bytes - offset)));
      if (got == 0)
        throw Error(Code::kFailed,
                    fmt::format("{} became shorter while it was read", core::printable(sources[i].string())));
      builder.taken(got);
      work.told().advance(got);
      offset += got;
    }
    builder.end_file();
  }
  work.told().end();
  try {
    std::vector<std::unique_ptr<io::File>> reading(files.size());
    builder.write(
        [&](const std::string& name) {
          report.written.push_back(folder / name);
          return fs.create(folder / name);
        },
        [&](std::size_t index, std::uint64_t offset, core::MutableByteSpan into) {
          if (!reading[index]) {
            for (auto& other : reading) other.reset();
            reading[index] = fs.open_read(sources[index]);
          }
          if (reading[index]->read_at(offset, into) != into.size()) {
            throw Error(Code::kFailed,
                        fmt::format("{} became shorter while it was read", core::printable(sources[index].string())));
          }
        });
    for (const io::Path& path : report.written) fs.open_read(path)->sync();
    fs.sync_dir(folder);
  } catch (...) {
    for (const io::Path& path : report.written) {
      try {
        fs.remove_file(path);
      } catch (const Error&) {  // the first error tells more
      }
    }
    throw;
  }
  return report;
}

}  // namespace darkshelf::parity
