#include "parity/set_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::parity {

namespace par2 = formats::par2;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kWindow = 1 << 20;
using io::kSector;
constexpr std::uint64_t kRun = 8 << 20;
constexpr std::size_t kHashedFrom = 32;               // a packet's MD5 covers all behind it: set id, type, body
constexpr std::uint64_t kLongestCritical = 16 << 20;  // 32,768 checksums take 640 KiB, a name at most 100 KB
constexpr std::string_view kMagic{"PAR2\0PKT", 8};

bool same_end(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         std::equal(end.begin(), end.end(), text.end() - static_cast<std::ptrdiff_t>(end.size()),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

/// ".vol00000+00100" behind the base of a recovery file's name: its length, 0 if there is none.
std::size_t volume_suffix(std::string_view name) {
  const auto digits = [&](std::size_t from) {
    std::size_t at = from;
    while (at < name.size() && name[at] >= '0' && name[at] <= '9') ++at;
    return at - from;
  };
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || !same_end(name.substr(dot).substr(0, 4), ".vol")) return 0;
  const std::size_t first = digits(dot + 4), sign = dot + 4 + first;
  if (first == 0 || sign >= name.size() || (name[sign] != '+' && name[sign] != '-')) return 0;
  const std::size_t second = digits(sign + 1);
  return second != 0 && sign + 1 + second == name.size() ? name.size() - dot : 0;
}

/// A file read in pieces, where a piece may be on a bad sector.
class Pieces {
 public:
  explicit Pieces(io::File& file) : file_(file), bytes_(file.stat().bytes) {}
  std::uint64_t bytes() const { return bytes_; }
  /// Behind what cannot be read at `offset`.
  std::uint64_t behind(std::uint64_t offset) const {
    const std::uint64_t sector = offset - offset % kSector + kSector;
    return std::min(bytes_, is_known_as_bad(offset) ? std::max(sector, bad_.offset + bad_.bytes) : sector);
  }

  /// Reads from `offset`: the bytes got, or nothing when the sector there cannot be read.
  std::optional<std::size_t> read(std::uint64_t offset, core::MutableByteSpan into) {
    if (is_known_as_bad(offset)) return {};
    bad_ = {};
    if (const auto got = try_read(offset, into)) return got;
    if (bad_.bytes != 0) {  // all the rest was read
      if (is_known_as_bad(offset)) return {};
      return bad_.offset - offset;
    }
    std::size_t total = 0;
    while (total < into.size()) {
      const std::size_t step = std::min<std::uint64_t>(kSector - (offset + total) % kSector, into.size() - total);
      const auto got = try_read(offset + total, into.subspan(total, step));
      if (!got) break;
      total += *got;
      if (*got < step) return total;
    }
    if (total == 0) return {};
    return total;
  }

 private:
  bool is_known_as_bad(std::uint64_t offset) const {
    return bad_.offset <= offset && offset < bad_.offset + bad_.bytes;
  }

  std::optional<std::size_t> try_read(std::uint64_t offset, core::MutableByteSpan into) {
    try {
      return file_.read_at(offset, into);
    } catch (const io::UnreadableSectors& error) {
      bad_ = error.stretches().front();
      return {};
    } catch (const Error& error) {
      if (!io::is_read_error(error)) throw;
      return {};
    }
  }

  io::File& file_;
  std::uint64_t bytes_;
  io::BadStretch bad_;  // where the last read ended
};

/// Walks one file from packet to packet.
class FileScan {
 public:
  FileScan(PacketScan& scan, std::size_t index, io::File& file, const core::Work& work,
           std::vector<std::uint64_t>& recovery_bytes)
      : scan_(scan),
        index_(index),
        pieces_(file),
        work_(work),
        window_(kWindow),
        recovery_bytes_(recovery_bytes),
        wasted_limit_(16 * pieces_.bytes() + (64 << 20)) {}

  void run() {
    while (at_ < pieces_.bytes()) {
      work_.check();
      if (wasted_ > wasted_limit_) {  // made to keep a reader busy: nothing sound is written like this
        bad(pieces_.bytes() - at_, false);
        at_ = pieces_.bytes();
        return;
      }
      if (take_sound_run()) continue;
      if (const auto length = sound_packet()) {
        at_ += *length;
      } else {
        skip_to_next_candidate();
      }
    }
  }

 private:
  void bad(std::uint64_t bytes, bool unreadable) {
    if (bytes == 0) return;
    auto& ranges = scan_.bad;
    if (!ranges.empty() && ranges.back().file == index_ && ranges.back().offset + ranges.back().bytes == at_ &&
        ranges.back().unreadable == unreadable) {
      ranges.back().bytes += bytes;
    } else {
      ranges.push_back({index_, at_, bytes, unreadable});
    }
  }

  /// Recovery packets of one length in a row, which is most of any set. Those at the front of the run that are sound
  /// are taken; false when there are none. A run is hashed once: behind a damaged packet the rest of it is looked at
  /// packet by packet.
  bool take_sound_run() {
    if (!known_ || at_ < run_end_) return false;
    std::array<std::byte, par2::kHeaderBytes> head;
    if (pieces_.read(at_, head) != head.size()) return false;
    const auto header = recovery_header(head);
    if (!header || 2 * header->bytes > kRun) return false;
    if (run_.size() == 0) run_ = core::AlignedBuffer(kRun + kSector);
    const std::size_t skip = at_ % kSector;  // a direct read wants whole sectors
    const auto got = pieces_.read(at_ - skip, run_.span());
    if (!got || *got <= skip) return false;
    const core::ByteSpan run = std::as_const(run_).span().first(*got).subspan(skip);
    const auto packet = [&](std::size_t i) { return run.subspan(i * header->bytes, header->bytes); };
    std::vector<const std::byte*> bodies;
    std::vector<par2::Md5> wanted;
    for (std::size_t i = 0; (i + 1) * header->bytes <= run.size(); ++i) {
      const auto one = recovery_header(packet(i));
      if (!one || one->bytes != header->bytes) break;
      bodies.push_back(packet(i).data() + kHashedFrom);
      wanted.push_back(one->packet_md5);
    }
    run_end_ = at_ + bodies.size() * header->bytes;
    std::vector<par2::Md5> found(bodies.size());
    const std::size_t lanes = digest::md5_lanes().back();
    core::parallel_for(work_.thread_count(), core::divide_up(bodies.size(), lanes), [&](std::size_t i) {
      const std::size_t first = i * lanes, count = std::min(lanes, bodies.size() - first);
      digest::md5_many(std::span(bodies).subspan(first, count), header->bytes - kHashedFrom,
                       std::span(found).subspan(first, count));
    });
    std::size_t taken = 0;
    for (; taken < bodies.size() && found[taken] == wanted[taken]; ++taken) {
      const auto decoded =
          par2::decode_body(*header, packet(taken).subspan(par2::kHeaderBytes, 4), header->bytes - par2::kHeaderBytes);
      if (!decoded) break;
      take(*decoded);
      at_ += header->bytes;
    }
    return taken > 0;
  }

  /// Of a recovery packet of this set.
  std::optional<par2::Header> recovery_header(core::ByteSpan packet) const {
    const auto header = par2::decode_header(packet.first(par2::kHeaderBytes));
    const bool fits = header && par2::is_recovery_slice(*header) && header->set_id == scan_.set_id &&
                      header->bytes >= par2::kHeaderBytes + 4;
    return fits ? header : std::nullopt;
  }

  /// Nothing sound begins here; the next magic is looked for, and everything before it is bad.
  void skip_to_next_candidate() {
    const auto got = pieces_.read(at_, window_.span());
    if (!got) {
      const std::uint64_t step = pieces_.behind(at_) - at_;
      bad(step, true);
      at_ += step;
      return;
    }
    const std::string_view text = core::as_text(std::as_const(window_).span().first(*got));
    std::size_t next = text.size() > 1 ? text.find(kMagic, 1) : std::string_view::npos;
    if (next == std::string_view::npos) {
      // The magic may begin in the last bytes of the window, unless the file ends with it.
      const bool ends = at_ + *got >= pieces_.bytes();
      next = ends || *got <= kMagic.size() ? *got : *got - (kMagic.size() - 1);
    }
    if (next == 0) next = std::min<std::uint64_t>(1, pieces_.bytes() - at_);
    bad(next, false);
    at_ += next;
  }

  /// The length of the sound packet of this set that begins here.
  std::optional<std::uint64_t> sound_packet() {
    std::array<std::byte, par2::kHeaderBytes> head;
    const auto got = pieces_.read(at_, head);
    if (!got || *got < head.size()) return {};
    const auto header = par2::decode_header(head);
    if (!header || header->bytes > pieces_.bytes() - at_) return {};
    const bool recovery = par2::is_recovery_slice(*header);
    if (!recovery && header->bytes > kLongestCritical) return {};
    core::Bytes body;
    if (!hash_fits(*header, recovery ? 4 : header->bytes - par2::kHeaderBytes, body)) return {};
    const auto decoded = par2::decode_body(*header, body, header->bytes - par2::kHeaderBytes);
    if (!decoded) return {};
    if (!known_) {
      scan_.set_id = header->set_id;
      known_ = true;
    }
    if (header->set_id != scan_.set_id) return {};
    take(*decoded);
    return header->bytes;
  }

  bool hash_fits(const par2::Header& header, std::uint64_t keep, core::Bytes& body) {
    digest::Md5Stream md5;
    md5.update(header.set_id);
    md5.update(header.type);
    std::uint64_t offset = at_ + par2::kHeaderBytes;
    const std::uint64_t end = at_ + header.bytes;
    while (offset < end) {
      const auto into = window_.span().first(std::min<std::uint64_t>(window_.size(), end - offset));
      const auto got = pieces_.read(offset, into);
      if (!got || *got == 0) return false;
      md5.update(into.first(*got));
      if (body.size() < keep) {
        const auto part = into.first(std::min<std::uint64_t>(*got, keep - body.size()));
        body.insert(body.end(), part.begin(), part.end());
      }
      offset += *got;
      work_.check();
    }
    if (md5.finish() == header.packet_md5) return true;
    wasted_ += header.bytes;
    return false;
  }

  void take(const par2::Body& body) {
    if (const auto* main = std::get_if<par2::Main>(&body)) {
      if (!scan_.main) scan_.main = *main;
    } else if (const auto* file = std::get_if<par2::FileDescription>(&body)) {
      const auto [first, fresh] = scan_.descriptions.emplace(file->id, *file);
      if (!fresh && first->second.md5 != file->md5) scan_.contradicted.insert(file->id);
    } else if (const auto* slices = std::get_if<par2::FileSlices>(&body)) {
      const auto [first, fresh] = scan_.slices.emplace(slices->id, *slices);
      const auto same = [](const par2::SliceChecksum& a, const par2::SliceChecksum& b) { return a.md5 == b.md5; };
      if (!fresh && !std::equal(first->second.slices.begin(), first->second.slices.end(), slices->slices.begin(),
                                slices->slices.end(), same))
        scan_.contradicted.insert(slices->id);
    } else if (const auto* creator = std::get_if<par2::Creator>(&body)) {
      if (scan_.creator.empty()) scan_.creator = creator->text;
    } else if (const auto* slice = std::get_if<par2::RecoverySlice>(&body)) {
      scan_.recovery.push_back({index_, at_ + slice->data_offset, static_cast<std::uint16_t>(slice->exponent)});
      recovery_bytes_.push_back(slice->data_bytes);
    }
  }

  PacketScan& scan_;
  std::size_t index_;
  Pieces pieces_;
  const core::Work& work_;
  core::AlignedBuffer window_, run_;
  std::uint64_t run_end_ = 0;                   // up to here packets were hashed in a run
  std::vector<std::uint64_t>& recovery_bytes_;  // beside scan_.recovery
  std::uint64_t at_ = 0, wasted_ = 0, wasted_limit_;

 public:
  bool known_ = false;  // the set's id
};

/// Recovery slices of another size cannot be of this set; of several with one exponent the first is kept.
void settle_recovery(PacketScan& scan, const std::vector<std::uint64_t>& bytes) {
  std::vector<RecoveryLocation> kept;
  std::set<std::uint16_t> seen;
  for (std::size_t i = 0; i < scan.recovery.size(); ++i) {
    const RecoveryLocation& at = scan.recovery[i];
    if (scan.main && bytes[i] != scan.main->slice_bytes) {
      scan.bad.push_back({at.file, at.data_offset - 68, bytes[i] + 68, false});
    } else if (seen.insert(at.exponent).second) {
      kept.push_back(at);
    }
  }
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.exponent < b.exponent; });
  scan.recovery = std::move(kept);
}

}  // namespace

PacketScan scan_packets(io::FileSystem& fs, const std::vector<io::Path>& files, io::ReadMode mode,
                        const core::Work& work) {
  PacketScan scan;
  scan.files = files;
  std::vector<std::uint64_t> recovery_bytes;
  bool known = false;
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::unique_ptr<io::File> file;
    try {
      file = fs.open_read(files[i], mode);
      if (file->stat().type != io::FileType::kRegular) throw Error::from_os(EISDIR, "read", files[i]);
    } catch (const Error& error) {
      if (error.code() != Code::kIo) throw;
      scan.bad.push_back({i, 0, 0, true});
      continue;
    }
    FileScan one(scan, i, *file, work, recovery_bytes);
    one.known_ = known;
    one.run();
    known = one.known_;
  }
  settle_recovery(scan, recovery_bytes);
  return scan;
}

std::vector<io::Path> files_of_set(io::FileSystem& fs, const io::Path& any) {
  std::string base = any.filename().string();
  if (same_end(base, ".par2")) base.resize(base.size() - 5);
  base.resize(base.size() - volume_suffix(base));
  const io::Path folder = any.parent_path().empty() ? io::Path(".") : any.parent_path();
  std::vector<io::Path> files = {any};
  for (const io::Entry& entry : fs.list(folder)) {
    if (entry.type != io::FileType::kRegular || !entry.name.starts_with(base) || !same_end(entry.name, ".par2"))
      continue;
    const std::string_view rest = std::string_view(entry.name).substr(base.size(), entry.name.size() - base.size() - 5);
    const bool belongs = rest.empty() || volume_suffix(rest) == rest.size();
    if (belongs && entry.name != any.filename().string()) files.push_back(any.parent_path() / entry.name);
  }
  return files;
}

std::vector<NumberedFile> numbered_files(const PacketScan& scan) {
  if (!scan.main) throw Error(Code::kCorrupt, "the main packet of the PAR2 set is nowhere to be found");
  std::vector<NumberedFile> files;
  std::uint64_t next = 0;
  for (const par2::Md5& id : scan.main->recovery_files) {
    const auto found = scan.descriptions.find(id);
    if (found == scan.descriptions.end()) {
      throw Error(Code::kCorrupt, fmt::format("the PAR2 set protects a file that none of its packets describes (id {})",
                                              core::to_hex(id)));
    }
    const std::uint64_t count = core::divide_up(found->second.bytes, scan.main->slice_bytes);
    if (count > par2::kMaxSlices || next + count > par2::kMaxSlices) {
      throw Error(Code::kCorrupt, "the PAR2 set claims more slices than there can be");
    }
    NumberedFile file{found->second, static_cast<std::uint32_t>(next), static_cast<std::uint32_t>(count), nullptr};
    const auto sums = scan.slices.find(id);
    if (sums != scan.slices.end() && sums->second.slices.size() == count) file.checksums = &sums->second;
    files.push_back(std::move(file));
    next += count;
  }
  return files;
}

}  // namespace darkshelf::parity
