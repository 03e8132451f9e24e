#include "rituals/seal_payload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "rituals/remake_parity.hpp"
#include "volume/tar_writer.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

/// Why an entry cannot be sealed as planned; empty if it can.
using Reason = std::string;

Reason difference(const fv::Member& planned, std::int64_t ctime_ns, const io::Stat& now) {
  const bool same = now.type == io::FileType::kRegular && now.bytes == planned.bytes &&
                    now.mtime_ns == planned.mtime_ns && now.ctime_ns == ctime_ns;
  return same ? Reason{} : Reason("changed while it was sealed");
}

/// Reads a source file from front to back in chunks. What it returns tells whether all of it was read unchanged.
Reason read_source(Context& context, const volume::SourceEntry& entry, core::MutableByteSpan buffer,
                   const std::function<void(core::ByteSpan)>& take) {
  try {
    const auto stat = context.fs.stat(entry.source);
    if (!stat) return "vanished while it was sealed";
    if (Reason reason = difference(entry.member, entry.ctime_ns, *stat); !reason.empty()) return reason;
    const auto file = context.fs.open_read(entry.source);
    for (std::uint64_t offset = 0; offset < entry.member.bytes;) {
      context.work.check();
      const std::size_t want = std::min<std::uint64_t>(buffer.size(), entry.member.bytes - offset);
      const std::size_t got = file->read_at(offset, buffer.first(want));
      if (got != want) return "changed while it was sealed";
      take(buffer.first(got));
      offset += got;
    }
    return difference(entry.member, entry.ctime_ns, file->stat());
  } catch (const Error& error) {
    if (error.code() != Code::kIo || error.path() != entry.source) throw;
    return fmt::format("cannot be read: {}", error.what());
  }
}

class PayloadWriter {
 public:
  PayloadWriter(Context& context, VolumeToWrite& part, io::FanOut& targets)
      : context_(context), part_(part), targets_(targets), buffer_(kWriteChunk), base_(fv::base_name(part.info)) {}

  std::optional<WrittenPayload> run() {
    if (!make_builder()) return {};
    if (!(part_.info.layout == fv::Layout::kTar ? write_tar() : write_files())) return {};
    return std::move(out_);
  }

 private:
  void leave_out(std::size_t index, const Reason& reason) {
    part_.info.left_out.push_back({part_.entries[index].member.path, reason});
    gone_.insert(part_.entries[index].member.path);
    excluded_.push_back(index);
  }

  /// A hard link goes with the file it names.
  void leave_out_orphans() {
    for (std::size_t i = 0; i < part_.entries.size(); ++i) {
      const fv::Member& member = part_.entries[i].member;
      if (member.type == fv::MemberType::kHardLink && gone_.contains(member.link) && !gone_.contains(member.path)) {
        leave_out(i, "a hard link to a file that is left out");
      }
    }
  }

  /// Takes the entries that were left out from the list; the volume is to be written again from the start.
  bool again_without_them() {
    leave_out_orphans();
    std::sort(excluded_.begin(), excluded_.end());
    for (auto it = excluded_.rbegin(); it != excluded_.rend(); ++it) {
      part_.entries.erase(part_.entries.begin() + static_cast<std::ptrdiff_t>(*it));
    }
    return false;
  }

  bool make_builder() {
    fv::BagInfo& info = part_.info;
    info.payload_bytes = info.payload_files = info.content_bytes = info.content_files = 0;
    std::vector<fv::Member> members;
    for (const volume::SourceEntry& entry : part_.entries) members.push_back(entry.member);
    const volume::Sizes sizes = volume::sizes_for(members, part_.options);
    info.slice_bytes = sizes.slice_bytes;
    info.recovery_slices = sizes.recovery_slices;
    std::vector<parity::SetFile> files;
    if (info.layout == fv::Layout::kTar) {
      files.push_back({"data/" + base_ + ".tar", sizes.payload_bytes, {}});
    } else {
      if (!read_heads(files)) return again_without_them();
    }
    if (files.empty()) return true;  // layout files with empty files alone: nothing to protect
    parity::SetOptions options;
    options.base = base_;
    options.slice_bytes = info.slice_bytes;
    options.recovery_slices = info.recovery_slices;
    options.creator = info.creator;
    for (const parity::SetFile& file : files) out_.protected_paths.push_back(file.name);
    out_.builder =
        std::make_unique<parity::SetBuilder>(std::move(files), options, parity_work_beside_photos(context_.work));
    return true;
  }

  /// Layout files: PAR2 numbers slices by ids that are made from the first 16 KiB of every file.
  bool read_heads(std::vector<parity::SetFile>& files) {
    for (std::size_t i = 0; i < part_.entries.size(); ++i) {
      const fv::Member& member = part_.entries[i].member;
      if (member.type != fv::MemberType::kFile || member.bytes == 0) continue;
      core::Bytes first;
      try {
        const auto file = context_.fs.open_read(part_.entries[i].source);
        first.resize(std::min<std::uint64_t>(kParityHead, member.bytes));
        if (file->read_at(0, first) != first.size()) leave_out(i, "changed while it was sealed");
      } catch (const Error& error) {
        if (error.code() != Code::kIo) throw;
        leave_out(i, fmt::format("cannot be read: {}", error.what()));
      }
      files.push_back({"data/" + member.path, member.bytes, digest::md5(first)});
    }
    return excluded_.empty();
  }

  /// The drives and the sums share each buffer: the builder hands it on when it is full, and fills the next one.
  static parity::SetBuilder::Sink onto_drives(std::shared_ptr<io::File> file) {
    return [file = std::move(file)](std::uint64_t offset, core::ByteSpan bytes) { file->write_at(offset, bytes); };
  }

  bool write_tar() {
    out_.builder->begin_file(0, onto_drives(targets_.create("data/" + base_ + ".tar")));
    volume::TarWriter tar([&](core::ByteSpan bytes) { out_.builder->append(bytes); });
    for (std::size_t i = 0; i < part_.entries.size(); ++i) {
      context_.work.check();
      fv::Member member = part_.entries[i].member;
      if (member.type == fv::MemberType::kHardLink && gone_.contains(member.link)) {
        leave_out(i, "a hard link to a file that is left out");
        continue;
      }
      if (member.type != fv::MemberType::kFile) {
        tar.begin(member);
      } else if (is_small(member)) {
        if (!write_small(tar, i, member)) continue;
      } else if (!write_large(tar, i, member)) {
        check_the_rest(i + 1);
        return again_without_them();
      }
      out_.members.push_back(std::move(member));
    }
    part_.info.payload_bytes = tar.finish();
    out_.builder->end_file();
    part_.info.payload_files = 1;
    const std::vector<digest::Sha256>& photos = out_.builder->digests(0).parts;
    std::size_t photo = 0;
    for (fv::Member& member : out_.members) {
      if (is_part(member)) member.sha256 = photos.at(photo++);
    }
    if (photo != photos.size()) throw Error(Code::kFailed, "photos and their digests do not come out even");
    return true;
  }

  bool is_small(const fv::Member& member) const { return member.bytes <= read_whole_up_to(context_.work); }

  /// Its SHA-256 is computed along with that of the tar.
  static bool is_part(const fv::Member& member) { return member.type == fv::MemberType::kFile && member.bytes > 0; }

  /// Read whole before its header is written, so that a file that cannot be had simply is not in the tar.
  bool write_small(volume::TarWriter& tar, std::size_t index, fv::Member& member) {
    if (whole_.size() < member.bytes) whole_ = core::AlignedBuffer(member.bytes);
    core::ByteSpan content;
    const Reason reason =
        read_source(context_, part_.entries[index], whole_.span(), [&](core::ByteSpan bytes) { content = bytes; });
    if (!reason.empty()) {
      leave_out(index, reason);
      return false;
    }
    if (part_.photos != nullptr) part_.photos->give(member.path, content);
    tar.begin(member);
    if (is_part(member)) {
      out_.builder->part(member.bytes);
      tar.data(content);
    } else {
      member.sha256 = digest::sha256({});
    }
    read(member.bytes);
    return true;
  }

  bool write_large(volume::TarWriter& tar, std::size_t index, fv::Member& member) {
    tar.begin(member);
    out_.builder->part(member.bytes);
    const Reason reason = read_source(context_, part_.entries[index], buffer_.span(), [&](core::ByteSpan bytes) {
      tar.data(bytes);
      read(bytes.size());
    });
    if (!reason.empty()) {
      leave_out(index, reason);
      return false;
    }
    if (part_.photos != nullptr) part_.photos->give_long(part_.entries[index]);
    return true;
  }

  /// The volume has to be written again: learn now what else cannot be read, so that it is written again once, not
  /// often.
  void check_the_rest(std::size_t from) {
    for (std::size_t i = from; i < part_.entries.size(); ++i) {
      if (part_.entries[i].member.type != fv::MemberType::kFile) continue;
      const Reason reason = read_source(context_, part_.entries[i], buffer_.span(), [](core::ByteSpan) {});
      if (!reason.empty()) leave_out(i, reason);
    }
  }

  bool write_files() {
    std::size_t in_set = 0;
    for (std::size_t i = 0; i < part_.entries.size(); ++i) {
      context_.work.check();
      fv::Member member = part_.entries[i].member;
      if (member.type == fv::MemberType::kFile && !write_file(i, in_set, member)) {
        check_the_rest(i + 1);
        return again_without_them();
      }
      out_.members.push_back(std::move(member));
    }
    return true;
  }

  bool write_file(std::size_t index, std::size_t& in_set, fv::Member& member) {
    const std::shared_ptr<io::File> file = targets_.create("data/" + member.path);
    Reason reason;
    if (member.bytes == 0) {
      reason = read_source(context_, part_.entries[index], buffer_.span(), [](core::ByteSpan) {});
      member.sha256 = digest::sha256({});
    } else {
      out_.builder->begin_file(in_set, onto_drives(file));
      const bool looked_at = part_.photos != nullptr && part_.photos->wants(member.path);
      core::Bytes whole;
      reason = read_source(context_, part_.entries[index], buffer_.span(), [&](core::ByteSpan bytes) {
        out_.builder->append(bytes);
        if (looked_at && is_small(member)) whole.insert(whole.end(), bytes.begin(), bytes.end());
        read(bytes.size());
      });
      if (reason.empty()) {
        try {
          out_.builder->end_file();
        } catch (const Error& error) {  // its first 16 KiB are not what they were a moment ago
          if (error.code() != Code::kCorrupt) throw;
          reason = "changed while it was sealed";
        }
      }
      if (reason.empty() && looked_at) {
        whole.empty() ? part_.photos->give_long(part_.entries[index]) : part_.photos->give(member.path, whole);
      }
    }
    if (!reason.empty()) {
      leave_out(index, reason);
      return false;
    }
    if (member.bytes != 0) {
      const parity::FileDigests& digests = out_.builder->digests(in_set++);
      member.sha256 = digests.sha256;
      member.first_slice = digests.first_slice;
    }
    file->set_mtime(member.mtime_ns);
    part_.info.payload_bytes += member.bytes;
    ++part_.info.payload_files;
    return true;
  }

  void read(std::uint64_t bytes) {
    out_.bytes_read += bytes;
    context_.work.told().advance(bytes);
  }

  Context& context_;
  VolumeToWrite& part_;
  io::FanOut& targets_;
  core::AlignedBuffer buffer_;
  std::string base_;
  core::AlignedBuffer whole_{kWriteChunk};
  std::set<std::string> gone_;
  std::vector<std::size_t> excluded_;
  WrittenPayload out_;
};

}  // namespace

std::optional<WrittenPayload> write_payload(Context& context, VolumeToWrite& part, io::FanOut& targets) {
  return PayloadWriter(context, part, targets).run();
}

}  // namespace darkshelf::rituals
