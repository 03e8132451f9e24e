#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>

#include "formats/par2/packets.hpp"
#include "rituals/remake_parity.hpp"
#include "rituals/seal_payload.hpp"
#include "rituals/signatures.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

/// Writing one volume, step by step; see write_volume.
class Writer {
 public:
  Writer(Context& context, VolumeToWrite& part, io::FanOut& targets, const std::vector<std::unique_ptr<Proof>>& proofs)
      : context_(context), part_(part), targets_(targets), proofs_(proofs), base_(fv::base_name(part.info)) {}

  std::optional<WrittenVolume> run() {
    auto payload = write_payload(context_, part_, targets_);
    if (!payload) return {};
    out_.members = std::move(payload->members);
    out_.bytes_read = payload->bytes_read;
    if (payload->builder) out_.parity_plan = payload->builder->plan_description();
    builder_ = std::move(payload->builder);
    protected_paths_ = std::move(payload->protected_paths);
    if (part_.photos != nullptr) out_.photos = part_.photos->finish(out_.members);
    core::stop_point("seal.payload-written");
    describe_payload();
    settle_tag_set();
    if (builder_) write_payload_parity();
    core::stop_point("seal.parity-written");
    write_tag_files();
    core::stop_point("seal.tags-written");
    write_tagmanifest();
    core::stop_point("seal.sealed-text-written");
    targets_.for_each([&](std::size_t target) {
      give_sealed_times(context_.fs, targets_.root(target), part_.info);
      io::sync_tree(context_.fs, targets_.root(target));
    });
    core::stop_point("seal.synced");
    out_.info = part_.info;
    return std::move(out_);
  }

 private:
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

  /// The disks would be idle while the sums are made, and the cores while disks are waited for: each drive reads the
  /// payload back meanwhile.
  void write_payload_parity() {
    const volume::LoadedVolume lists = volume::volume_from_texts(text_);
    std::atomic<bool> given_up = false;
    const auto stop = [&] {
      return given_up || (context_.work.cancel != nullptr && context_.work.cancel->requested());
    };
    std::vector<std::future<void>> reading(targets_.size());
    try {
      for (std::size_t target = 0; target < targets_.size(); ++target) {
        if (!targets_.alive(target)) continue;
        reading[target] = std::async(std::launch::async, [&, target] { proofs_[target]->read_payload(lists, stop); });
      }
      make_payload_parity();
    } catch (...) {
      given_up = true;  // the readers end before what they read from does
      throw;
    }
    targets_.for_each([&](std::size_t target) { reading[target].get(); });
    context_.work.check();
  }

  void make_payload_parity() {
    const auto read_back = [&](std::size_t file, std::uint64_t offset, core::MutableByteSpan into) {
      if (targets_.read_at(protected_paths_[file], offset, into) != into.size())
        throw Error(Code::kFailed, fmt::format("{} is shorter than what was written to it", protected_paths_[file]));
    };
    seal_parity(builder_->write([&](const std::string& name) { return targets_.create(name); }, read_back));
    builder_.reset();
  }

  void seal_parity(const std::vector<parity::WrittenSetFile>& files) {
    for (const parity::WrittenSetFile& file : files) {
      sealed_.push_back({file.sha256, file.name});
      out_.bytes_on_drive += file.bytes;
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
    for (const std::string_view name : fv::kTagFiles) {
      const core::ByteSpan bytes = core::as_bytes(text(name));
      targets_.create(std::string(name))->write_at(0, bytes);
      sealed_.push_back({digest::sha256(bytes), std::string(name)});
      out_.bytes_on_drive += bytes.size();
    }
    seal_parity(write_tags_set(
        part_.info, text_, [&](const std::string& name) { return targets_.create(name); }, parity_work(context_.work)));
  }

  void write_tagmanifest() {
    out_.tagmanifest = fv::encode_manifest(sealed_);
    const core::ByteSpan bytes = core::as_bytes(out_.tagmanifest);
    out_.seal = digest::sha256(bytes);
    targets_.create(std::string(fv::kTagManifest))->write_at(0, bytes);
    out_.bytes_on_drive += bytes.size() + part_.info.payload_bytes;
    if (part_.key == nullptr) return;
    out_.signature = make_signature(*part_.key, part_.info, out_.tagmanifest, part_.info.sealed);
    targets_.create(std::string(fv::kSignature))->write_at(0, core::as_bytes(out_.signature));
  }

  Context& context_;
  VolumeToWrite& part_;
  io::FanOut& targets_;
  const std::vector<std::unique_ptr<Proof>>& proofs_;  // one a target
  std::string base_;
  std::unique_ptr<parity::SetBuilder> builder_;
  std::vector<std::string> protected_paths_;
  std::map<std::string, std::string> text_;  // of the tag files, by name
  std::vector<fv::ManifestEntry> sealed_;
  WrittenVolume out_;
};

}  // namespace

void give_sealed_times(io::FileSystem& fs, const io::Path& folder, const fv::BagInfo& info) {
  for (const io::Entry& entry : fs.list(folder)) {
    const io::Path path = folder / entry.name;
    if (entry.type == io::FileType::kRegular) fs.set_mtime(path, info.sealed.time_since_epoch().count());
    const bool photos = entry.name == "data" && info.layout == fv::Layout::kFiles;
    if (entry.type == io::FileType::kDirectory && !photos) give_sealed_times(fs, path, info);
  }
}

std::optional<WrittenVolume> write_volume(Context& context, VolumeToWrite& part, io::FanOut& targets,
                                          const std::vector<std::unique_ptr<Proof>>& proofs) {
  return Writer(context, part, targets, proofs).run();
}

}  // namespace darkshelf::rituals
