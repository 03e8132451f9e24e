#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "formats/par2/packets.hpp"
#include "parity/set_builder.hpp"
#include "rituals/seal_parts.hpp"
#include "volume/tar_writer.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kChunk = 4 << 20;
constexpr std::size_t kHead = 16384;  // PAR2 names a file by the MD5 of this much of it

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

/// One file on every drive and one place in a PAR2 set, fed at once: the drives and the sums share each buffer.
class Stream {
 public:
  Stream(io::File& file, parity::SetBuilder& builder) : file_(file), builder_(builder), buffer_(kChunk) {}

  void put(core::ByteSpan bytes) {
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), buffer_.size() - filled_);
      std::memcpy(buffer_.data() + filled_, bytes.data(), count);
      filled_ += count;
      bytes = bytes.subspan(count);
      if (filled_ == buffer_.size()) flush();
    }
  }
  void flush() {
    const core::ByteSpan full = std::as_const(buffer_).span().first(filled_);
    core::parallel_for(2, 2,
                       [&](std::size_t side) { side == 0 ? file_.write_at(offset_, full) : builder_.append(full); });
    offset_ += filled_;
    filled_ = 0;
  }

 private:
  io::File& file_;
  parity::SetBuilder& builder_;
  core::AlignedBuffer buffer_;
  std::size_t filled_ = 0;
  std::uint64_t offset_ = 0;
};

/// Writing one volume, step by step; see write_volume.
class Writer {
 public:
  Writer(Context& context, VolumeToWrite& part, io::FanOut& targets)
      : context_(context), part_(part), targets_(targets), buffer_(kChunk), base_(fv::base_name(part.info)) {}

  std::optional<WrittenVolume> run() {
    if (!make_builder()) return {};
    if (!(part_.info.layout == fv::Layout::kTar ? write_tar() : write_files())) return {};
    core::stop_point("seal.payload-written");
    describe_payload();
    write_payload_parity();
    core::stop_point("seal.parity-written");
    write_tag_files();
    core::stop_point("seal.tags-written");
    write_tagmanifest();
    core::stop_point("seal.sealed-text-written");
    targets_.for_each([&](std::size_t target) { io::sync_tree(context_.fs, targets_.root(target)); });
    core::stop_point("seal.synced");
    out_.info = part_.info;
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
    parity::SetOptions options;
    options.base = base_;
    options.slice_bytes = info.slice_bytes;
    options.recovery_slices = info.recovery_slices;
    options.creator = info.creator;
    core::Work work = context_.work;
    work.memory = work.memory / 4 * 3;  // the rest is for buffers and small files read whole
    builder_.emplace(std::move(files), options, work);
    out_.parity_plan = builder_->plan_description();
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
        first.resize(std::min<std::uint64_t>(kHead, member.bytes));
        if (file->read_at(0, first) != first.size()) leave_out(i, "changed while it was sealed");
      } catch (const Error& error) {
        if (error.code() != Code::kIo) throw;
        leave_out(i, fmt::format("cannot be read: {}", error.what()));
      }
      files.push_back({"data/" + member.path, member.bytes, digest::md5(first)});
    }
    return excluded_.empty();
  }

  bool write_tar() {
    const auto file = targets_.create("data/" + base_ + ".tar");
    builder_->begin_file(0);
    Stream stream(*file, *builder_);
    volume::TarWriter tar([&](core::ByteSpan bytes) { stream.put(bytes); });
    const std::uint64_t small = std::min<std::uint64_t>(context_.work.memory / 8, 64 << 20);
    for (std::size_t i = 0; i < part_.entries.size(); ++i) {
      context_.work.check();
      fv::Member member = part_.entries[i].member;
      if (member.type == fv::MemberType::kHardLink && gone_.contains(member.link)) {
        leave_out(i, "a hard link to a file that is left out");
        continue;
      }
      if (member.type != fv::MemberType::kFile) {
        tar.begin(member);
      } else if (member.bytes <= small) {
        if (!write_small(tar, i, member)) continue;
      } else if (!write_large(tar, i, member)) {
        check_the_rest(i + 1);
        return again_without_them();
      }
      out_.members.push_back(std::move(member));
    }
    part_.info.payload_bytes = tar.finish();
    stream.flush();
    builder_->end_file();
    part_.info.payload_files = 1;
    return true;
  }

  /// Read whole before its header is written, so that a file that cannot be had simply is not in the tar.
  bool write_small(volume::TarWriter& tar, std::size_t index, fv::Member& member) {
    whole_.clear();
    const Reason reason = read_source(context_, part_.entries[index], buffer_.span(), [&](core::ByteSpan bytes) {
      whole_.insert(whole_.end(), bytes.begin(), bytes.end());
    });
    if (!reason.empty()) {
      leave_out(index, reason);
      return false;
    }
    member.sha256 = digest::sha256(whole_);
    tar.begin(member);
    tar.data(whole_);
    read(member.bytes);
    return true;
  }

  bool write_large(volume::TarWriter& tar, std::size_t index, fv::Member& member) {
    digest::Sha256Stream sha256;
    tar.begin(member);
    const Reason reason = read_source(context_, part_.entries[index], buffer_.span(), [&](core::ByteSpan bytes) {
      core::parallel_for(2, 2, [&](std::size_t side) { side == 0 ? sha256.update(bytes) : tar.data(bytes); });
      read(bytes.size());
    });
    if (!reason.empty()) leave_out(index, reason);
    member.sha256 = sha256.finish();
    return reason.empty();
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
    const auto file = targets_.create("data/" + member.path);
    digest::Sha256Stream sha256;
    Reason reason;
    if (member.bytes == 0) {
      reason = read_source(context_, part_.entries[index], buffer_.span(), [](core::ByteSpan) {});
    } else {
      builder_->begin_file(in_set);
      Stream stream(*file, *builder_);
      reason = read_source(context_, part_.entries[index], buffer_.span(), [&](core::ByteSpan bytes) {
        sha256.update(bytes);
        stream.put(bytes);
        read(bytes.size());
      });
      if (reason.empty()) {
        stream.flush();
        try {
          builder_->end_file();
        } catch (const Error& error) {  // its first 16 KiB are not what they were a moment ago
          if (error.code() != Code::kCorrupt) throw;
          reason = "changed while it was sealed";
        }
      }
    }
    if (!reason.empty()) {
      leave_out(index, reason);
      return false;
    }
    member.sha256 = sha256.finish();
    if (member.bytes != 0) member.first_slice = builder_->digests(in_set++).first_slice;
    file->set_mtime(member.mtime_ns);
    part_.info.payload_bytes += member.bytes;
    ++part_.info.payload_files;
    return true;
  }

  void read(std::uint64_t bytes) {
    out_.bytes_read += bytes;
    context_.work.told().advance(bytes);
  }

  std::string& text(std::string_view name) { return text_[std::string(name)]; }

  /// Texts that follow from the payload.
  void describe_payload() {
    fv::BagInfo& info = part_.info;
    std::map<std::string_view, const fv::Member*> files;
    std::vector<fv::ManifestEntry> photos;
    std::vector<std::string> paths;
    for (const fv::Member& member : out_.members) {
      if (member.type == fv::MemberType::kFile) files[member.path] = &member;
    }
    for (const fv::Member& member : out_.members) {
      const fv::Member* content = &member;
      if (member.type == fv::MemberType::kHardLink) content = files.at(member.link);
      if (content->type != fv::MemberType::kFile) continue;
      photos.push_back({content->sha256, member.path});
      paths.push_back(member.path);
      info.content_bytes += member.type == fv::MemberType::kFile ? member.bytes : 0;
      ++info.content_files;
    }
    info.photos = volume::count_photos(paths);

    std::vector<fv::ManifestEntry> payload;
    std::map<std::uint32_t, const parity::FileDigests*> by_slice;
    if (info.layout == fv::Layout::kTar) {
      payload.push_back({builder_->digests(0).sha256, "data/" + base_ + ".tar"});
      by_slice[0] = &builder_->digests(0);
    } else {
      std::size_t in_set = 0;
      for (const fv::Member& member : out_.members) {
        if (member.type != fv::MemberType::kFile) continue;
        payload.push_back({member.sha256, "data/" + member.path});
        if (member.bytes == 0) continue;
        const parity::FileDigests& digests = builder_->digests(in_set++);
        by_slice[digests.first_slice] = &digests;
      }
    }
    std::vector<digest::Sha256> slices;
    for (const auto& [first, digests] : by_slice) {
      for (const digest::SliceDigests& slice : digests->slices) slices.push_back(slice.sha256);
    }
    info.slices = static_cast<std::uint32_t>(slices.size());
    text(fv::kMembers) = fv::encode_members(out_.members);
    text(fv::kPhotos) = fv::encode_manifest(std::move(photos));
    text(fv::kSlices) = fv::encode_slices(slices);
    text(fv::kManifest) = fv::encode_manifest(std::move(payload));
    text(fv::kBagit) = fv::bagit_txt();
  }

  void write_payload_parity() {
    const auto read_back = [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
      const io::Path path = live_root() / payload_path(file);
      if (read_back_path_ != path) {
        read_back_file_ = context_.fs.open_read(path);
        read_back_path_ = path;
      }
      if (read_back_file_->read_at(offset, into) != into.size()) {
        throw Error(Code::kFailed, fmt::format("{} is shorter than what was written to it", path.string()));
      }
    };
    builder_->write([&](const std::string& name) { return targets_.create(name); }, read_back);
    hash_parity(builder_->file_names());
    builder_.reset();
  }

  std::string payload_path(std::size_t in_set) const {
    if (part_.info.layout == fv::Layout::kTar) return "data/" + base_ + ".tar";
    std::size_t i = 0;
    for (const fv::Member& member : out_.members) {
      if (member.type == fv::MemberType::kFile && member.bytes != 0 && i++ == in_set) return "data/" + member.path;
    }
    throw Error(Code::kFailed, "no such payload file");
  }

  io::Path live_root() const {
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (targets_.alive(i)) return targets_.root(i);
    }
    throw Error(Code::kFailed, "no drive is left");
  }

  void hash_parity(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const auto file = context_.fs.open_read(live_root() / name);
      digest::Sha256Stream sha256;
      std::uint64_t offset = 0;
      for (std::size_t got = 0; (got = file->read_at(offset, buffer_.span())) != 0; offset += got) {
        sha256.update(buffer_.span().first(got));
      }
      sealed_.push_back({sha256.finish(), name});
      out_.bytes_on_drive += offset;
    }
  }

  /// bag-info.txt tells the shape of the set that protects it, so its own length is settled with it.
  void settle_tag_set() {
    fv::BagInfo& info = part_.info;
    info.tag_slice_bytes = 4096;
    for (int round = 0; round < 16; ++round) {
      text(fv::kBagInfo) = fv::encode_bag_info(info);
      std::uint64_t slices = 0;
      for (const std::string_view name : fv::kTagFiles)
        slices += core::divide_up(text(name).size(), info.tag_slice_bytes);
      if (slices > formats::par2::kMaxSlices) {
        info.tag_slice_bytes *= 2;
      } else if (info.tag_recovery_slices == slices) {
        return;
      } else {
        info.tag_recovery_slices = static_cast<std::uint32_t>(slices);
      }
    }
    throw Error(Code::kFailed, "the parity of the tag files finds no stable shape");
  }

  void write_tag_files() {
    settle_tag_set();
    std::vector<parity::SetFile> files;
    for (const std::string_view name : fv::kTagFiles) {
      const core::ByteSpan bytes = core::as_bytes(text(name));
      targets_.create(std::string(name))->write_at(0, bytes);
      sealed_.push_back({digest::sha256(bytes), std::string(name)});
      out_.bytes_on_drive += bytes.size();
      if (!bytes.empty())
        files.push_back({std::string(name), bytes.size(), digest::md5(bytes.first(std::min(bytes.size(), kHead)))});
    }
    parity::SetOptions options;
    options.base = base_ + ".tags";
    options.slice_bytes = part_.info.tag_slice_bytes;
    options.recovery_slices = part_.info.tag_recovery_slices;
    options.creator = part_.info.creator;
    core::Work work = context_.work;
    work.memory = work.memory / 4 * 3;
    parity::SetBuilder builder(files, options, work);
    for (std::size_t i = 0; i < files.size(); ++i) {
      builder.begin_file(i);
      builder.append(core::as_bytes(text(files[i].name)));
      builder.end_file();
    }
    builder.write([&](const std::string& name) { return targets_.create(name); },
                  [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
                    std::memcpy(into.data(), text(files[file].name).data() + offset, into.size());
                  });
    hash_parity(builder.file_names());
  }

  void write_tagmanifest() {
    out_.tagmanifest = fv::encode_manifest(sealed_);
    const core::ByteSpan bytes = core::as_bytes(out_.tagmanifest);
    out_.seal = digest::sha256(bytes);
    targets_.create(std::string(fv::kTagManifest))->write_at(0, bytes);
    out_.bytes_on_drive += bytes.size() + part_.info.payload_bytes;
  }

  Context& context_;
  VolumeToWrite& part_;
  io::FanOut& targets_;
  core::AlignedBuffer buffer_;
  std::string base_;
  std::optional<parity::SetBuilder> builder_;
  core::Bytes whole_;
  std::set<std::string> gone_;
  std::vector<std::size_t> excluded_;
  std::map<std::string, std::string> text_;  // of the tag files, by name
  std::vector<fv::ManifestEntry> sealed_;
  io::Path read_back_path_;
  std::unique_ptr<io::File> read_back_file_;
  WrittenVolume out_;
};

}  // namespace

std::optional<WrittenVolume> write_volume(Context& context, VolumeToWrite& part, io::FanOut& targets) {
  return Writer(context, part, targets).run();
}

}  // namespace darkshelf::rituals
