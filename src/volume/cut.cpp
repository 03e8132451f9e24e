#include "volume/cut.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/text.hpp"
#include "formats/par2/packets.hpp"
#include "volume/tar_writer.hpp"

namespace darkshelf::volume {

namespace fv = formats::volume;
namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kSliceUnit = 4096;
constexpr std::uint32_t kFewestRecovery = 16;
constexpr std::uint64_t kPacketHead = 68;

bool has_bytes(const fv::Member& member) { return member.type == fv::MemberType::kFile && member.bytes > 0; }

std::uint64_t bytes_of(const fv::Member& member, fv::Layout layout) {
  if (layout == fv::Layout::kTar) return tar_bytes({member}) - tar_bytes({});
  return member.type == fv::MemberType::kFile ? member.bytes : 0;
}

std::uint64_t slices_of(const std::vector<fv::Member>& members, std::uint64_t slice_bytes) {
  std::uint64_t slices = 0;
  for (const fv::Member& member : members) {
    if (has_bytes(member)) slices += core::divide_up(member.bytes, slice_bytes);
  }
  return slices;
}

/// Everything of a PAR2 set but the recovery data: at most four copies of the critical packets, and those of the index.
std::uint64_t packets_of(std::uint64_t slices, std::uint64_t files, std::uint64_t name_bytes) {
  return 5 * (20 * slices + files * 400 + name_bytes + 1024);
}

std::string upper_stem(std::string_view name) {
  std::string stem(name.substr(0, name.find('.')));
  for (char& c : stem) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return stem;
}

/// Names of layout files have to survive every BagIt reader and every system a drive may be plugged into.
void require_plain_names(const SourceShoot& shoot) {
  static const std::set<std::string> kDevices = {"CON",  "PRN",  "AUX",  "NUL",  "COM1", "COM2", "COM3", "COM4",
                                                 "COM5", "COM6", "COM7", "COM8", "COM9", "LPT1", "LPT2", "LPT3",
                                                 "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9"};
  std::map<std::string, std::string> seen;
  for (const SourceEntry& entry : shoot.entries) {
    if (entry.member.type != fv::MemberType::kFile && entry.member.type != fv::MemberType::kHardLink) continue;
    const std::string& path = entry.member.path;
    std::string why;
    if (!core::is_utf8(path))
      why = "is not UTF-8";
    else if (path.find_first_of("%\\:*?\"<>|") != std::string::npos || core::printable(path) != path)
      why = "has a character not every system takes";
    for (std::size_t start = 0; why.empty() && start <= path.size();) {
      const std::size_t end = std::min(path.find('/', start), path.size());
      const std::string part = path.substr(start, end - start);
      if (part.ends_with(' ') || part.ends_with('.')) why = "ends in a blank or a dot, which Windows drops";
      if (kDevices.contains(upper_stem(part))) why = "is the name of a device on Windows";
      start = end + 1;
    }
    std::string folded = path;
    for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (const auto [other, fresh] = seen.emplace(folded, path); why.empty() && !fresh) {
      why = fmt::format("differs from {} only in upper and lower case", core::printable(other->second));
    }
    if (!why.empty()) {
      throw Error(Code::kUsage, fmt::format("layout files cannot hold {}: its name {}", core::printable(path), why),
                  "seal it with --layout tar, which keeps any name exactly");
    }
  }
}

/// Fills volumes in order; a file that is larger than a volume gets one of its own.
class Cutter {
 public:
  Cutter(SourceShoot& shoot, const CutOptions& options) : shoot_(shoot), options_(options) {}

  std::vector<CutVolume> run() {
    for (std::size_t i = 0; i < shoot_.entries.size(); ++i) {
      fv::Member& member = shoot_.entries[i].member;
      if (member.type == fv::MemberType::kDirectory) continue;
      if (options_.layout == fv::Layout::kFiles) as_full_file(i);
      place(i, bytes_of(member, options_.layout));
    }
    for (std::size_t i = 0; i < shoot_.entries.size(); ++i) {
      if (shoot_.entries[i].member.type == fv::MemberType::kDirectory &&
          !used_.contains(shoot_.entries[i].member.path)) {
        add(i, open_ ? *open_ : start());  // an empty folder goes with the last part
      }
    }
    if (volumes_.empty()) start();
    std::vector<CutVolume> out;
    for (Filling& filling : volumes_) {
      CutVolume volume;
      volume.entries.assign(filling.entries.begin(), filling.entries.end());
      std::vector<fv::Member> members;
      for (const std::size_t entry : volume.entries) members.push_back(shoot_.entries[entry].member);
      volume.sizes = sizes_for(members, options_);
      out.push_back(std::move(volume));
    }
    return out;
  }

 private:
  struct Filling {
    std::set<std::size_t> entries;
    std::uint64_t bytes = 0;
  };

  std::size_t start() {
    volumes_.emplace_back();
    return volumes_.size() - 1;
  }

  /// A hard link cannot be kept where its file is in another volume (or in none, as in layout files): it becomes a full
  /// copy.
  void as_full_file(std::size_t index) {
    fv::Member& member = shoot_.entries[index].member;
    if (member.type != fv::MemberType::kHardLink) return;
    const auto other = entry_of(member.link);
    if (other == shoot_.entries.end()) return;
    member.type = fv::MemberType::kFile;
    member.bytes = other->member.bytes;
    member.link.clear();
  }

  std::vector<SourceEntry>::const_iterator entry_of(const std::string& path) const {
    const auto found = std::lower_bound(
        shoot_.entries.begin(), shoot_.entries.end(), path,
        [](const SourceEntry& entry, const std::string& wanted) { return entry.member.path < wanted; });
    return found != shoot_.entries.end() && found->member.path == path ? found : shoot_.entries.end();
  }

  void place(std::size_t index, std::uint64_t bytes) {
    fv::Member& member = shoot_.entries[index].member;
    if (member.type == fv::MemberType::kHardLink) {
      const auto home = home_of_.find(member.link);
      if (home != home_of_.end() && open_ && home->second == *open_) return add(index, *open_, bytes);
      as_full_file(index);
      bytes = bytes_of(member, options_.layout);
    }
    if (bytes > options_.volume_bytes) return add(index, start(), bytes);
    if (!open_ || volumes_[*open_].bytes + bytes > options_.volume_bytes) open_ = start();
    add(index, *open_, bytes);
  }

  void add(std::size_t index, std::size_t volume, std::uint64_t bytes = 0) {
    Filling& filling = volumes_[volume];
    filling.entries.insert(index);
    filling.bytes += bytes;
    const std::string& path = shoot_.entries[index].member.path;
    home_of_[path] = volume;
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      const std::string folder = path.substr(0, slash);
      used_.insert(folder);
      const auto found = entry_of(folder);
      if (found != shoot_.entries.end())
        filling.entries.insert(static_cast<std::size_t>(found - shoot_.entries.begin()));
    }
  }

  SourceShoot& shoot_;
  const CutOptions& options_;
  std::vector<Filling> volumes_;
  std::optional<std::size_t> open_;
  std::map<std::string, std::size_t> home_of_;
  std::set<std::string> used_;  // folders with something in them
};

}  // namespace

Sizes sizes_for(const std::vector<fv::Member>& members, const CutOptions& options) {
  Sizes sizes;
  std::uint64_t slices = 0, names = 0, largest = 0, files = 0;
  for (const fv::Member& member : members) {
    names += member.path.size() + member.link.size();
    for (const auto& [name, value] : member.xattrs) names += name.size() + 2 * value.size();
    if (!has_bytes(member)) continue;
    ++files;
    largest = std::max(largest, member.bytes);
    sizes.payload_bytes += member.bytes;
  }
  if (options.layout == fv::Layout::kTar) {
    sizes.payload_bytes = tar_bytes(members);
    largest = sizes.payload_bytes;
    files = 1;
  }
  sizes.slice_bytes =
      std::max(kSliceUnit, core::round_up(core::divide_up(sizes.payload_bytes, par2::kMaxSlices), kSliceUnit));
  if (options.layout == fv::Layout::kTar) {
    slices = core::divide_up(sizes.payload_bytes, sizes.slice_bytes);
  } else {
    if (files > par2::kMaxSlices) {
      throw Error(Code::kUsage,
                  fmt::format("one volume of layout files can hold {} files at most, not {}",
                              core::with_commas(par2::kMaxSlices), core::with_commas(files)),
                  "give a smaller --volume-size, or --layout tar");
    }
    while ((slices = slices_of(members, sizes.slice_bytes)) > par2::kMaxSlices)
      sizes.slice_bytes += std::max(kSliceUnit, core::round_up(sizes.slice_bytes / 16, kSliceUnit));
  }
  sizes.slices = static_cast<std::uint32_t>(slices);
  if (slices > 0) {
    const double wanted = std::ceil(static_cast<double>(slices) * options.parity_percent / 100);
    sizes.recovery_slices = std::max(kFewestRecovery, static_cast<std::uint32_t>(wanted));
  }
  const std::uint64_t recovery =
      sizes.recovery_slices * (sizes.slice_bytes + kPacketHead) + packets_of(slices, files, names);
  // members, photos, slices, manifest, bag-info, then their own parity: as much again, in slices of 4 KiB and more.
  const std::uint64_t tags = members.size() * 1000 + 12 * names + 65 * slices + 64 * 1024;
  const std::uint64_t tag_slices = tags / kSliceUnit + 16;
  sizes.bytes_on_drive = sizes.payload_bytes + recovery + tags + (tags + 16 * kSliceUnit + tag_slices * kPacketHead) +
                         packets_of(tag_slices, 6, 200);
  sizes.largest_file = std::max(largest, recovery);
  return sizes;
}

std::vector<CutVolume> cut_into_volumes(SourceShoot& shoot, const CutOptions& options) {
  if (options.layout == fv::Layout::kFiles) require_plain_names(shoot);
  return Cutter(shoot, options).run();
}

}  // namespace darkshelf::volume
