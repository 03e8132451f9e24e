#include "rituals/make_parcel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/identity_file.hpp"
#include "rituals/mend.hpp"
#include "rituals/payload_reader.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fp = formats::parcel;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kTextLimit = 64 << 20;

/// An archive that may hold copies of what is asked for.
struct Archive {
  io::Path root;
  fd::DriveIdentity identity;
};

/// `told`: somebody said that this is the twin. Then its volumes tell, even where its drive.json cannot.
std::optional<fd::DriveIdentity> identity_of_archive(io::FileSystem& fs, const io::Path& root, bool told) {
  if (!told) return identity_at(fs, root);
  try {
    if (auto identity = read_identity(fs, root)) return identity;
  } catch (const Error& error) {
    if (error.code() == Code::kNewerFormat) throw;
  }
  if (volume::volume_folders(fs, root).empty()) return {};
  fd::DriveIdentity identity;
  identity.label = fd::label_from(root.filename().string());
  return identity;
}

std::vector<Archive> archives_here(Context& context, const std::string& drive) {
  std::vector<io::Path> roots;
  const auto folder = drive.empty() ? std::nullopt : context.fs.stat_following(drive);
  const bool is_path = folder && folder->type == io::FileType::kDirectory && !context.catalog.find_drive(drive);
  if (is_path) {
    roots.push_back(context.fs.canonical(drive));
  } else {
    roots = roots_to_look_at(context.catalog);
  }
  std::vector<Archive> archives;
  std::set<core::Uuid> seen;
  for (const io::Path& root : roots) {
    const auto identity = identity_of_archive(context.fs, root, is_path);
    if (!identity || !seen.insert(identity->id).second) continue;
    const auto known = context.catalog.drive(identity->id);
    const std::string id = identity->id.text();
    const bool wanted = is_path || drive.empty() || identity->label == drive || (known && known->label == drive) ||
                        (drive.size() >= 4 && id.starts_with(drive));
    if (wanted) archives.push_back({root, *identity});
  }
  return archives;
}

/// One copy of one volume, and what of it can be read.
class Copy {
 public:
  /// Throws kUnrepairable or kCorrupt when its lists cannot be had.
  Copy(Context& context, const Archive& archive, const fp::Part& part, const io::Path& work)
      : context_(context), part_(part), work_(work) {
    folder_ = archive.root / std::string(fd::kFolder) / part.folder;
    known_ = volume::KnownSeal{part.seal, second_seal(archive), {}, {}};
    loaded_ = volume::load_volume(context.fs, folder_, known_, io::ReadMode::kDirect, context.work);
    if (loaded_.info.volume != part.volume || loaded_.info.slice_bytes != part.slice_bytes)
      throw Error(Code::kCorrupt, "the request does not fit the volume it names");
  }

  /// Hands on those of the slices that are sound, until one makes `take` say that it is enough.
  using Take = std::function<bool(const fp::Slice&, core::ByteSpan)>;
  void read_slices(const std::vector<fp::Slice>& slices, const Take& take) {
    std::map<std::uint32_t, const fp::Slice*> wanted;
    for (const fp::Slice& slice : slices) {
      const auto place = volume::place_of(loaded_, slice.number);
      if (!place || slice.bytes != place->bytes || loaded_.slices[slice.number] != slice.sha256)
        throw Error(Code::kCorrupt, "the request asks for a slice the volume does not have");
      wanted[slice.number] = &slice;
    }
    if (mended_) return read_mended(wanted, take);
    // As a check reads it: past what is unreadable, over long runs of that.
    bool enough = false;
    Portion portion{{}, false, [&] {
                      context_.work.check();
                      return enough;
                    }};
    for (const auto& [number, slice] : wanted) {
      auto& ranges = portion.slices;
      if (!ranges.empty() && ranges.back().first + ranges.back().count == number)
        ++ranges.back().count;
      else
        ranges.push_back({number, 1});
    }
    Examination here;
    here.folder = folder_;
    here.loaded = loaded_;
    Context quiet = context_;
    quiet.work.progress = nullptr;
    const auto hand_on = [&](std::uint32_t number, core::ByteSpan bytes) {
      if (const auto slice = wanted.find(number); !enough && slice != wanted.end())
        enough = take(*slice->second, bytes);
    };
    try {
      read_payload(quiet, io::ReadMode::kDirect, hand_on, &portion, here);
    } catch (const Error& error) {  // what was handed on before counts
      if (ends_all(error) || !io::lies_in(error.path(), folder_)) throw;
    }
  }

  const std::string* text(const std::string& name) const {
    const auto found = loaded_.tag_text.find(name);
    return found == loaded_.tag_text.end() ? nullptr : &found->second;
  }

  /// From now on what is damaged in this copy is mended by its own parity, as far as that goes.
  void mend() {
    const Examination examination =
        examine(context_, folder_, part_.volume, known_, Depth::kPayloadOnly, io::ReadMode::kDirect);
    if (!examination.loaded || examination.lost.empty()) return;
    mended_.emplace(SealedSource::mend(context_, examination, work_, SealedSource::Need::kWhatIsPossible));
  }

 private:
  void read_mended(const std::map<std::uint32_t, const fp::Slice*>& wanted, const Take& take) {
    core::Bytes buffer;
    for (const auto& [number, slice] : wanted) {
      context_.work.check();
      const volume::SlicePlace place = *volume::place_of(loaded_, number);
      buffer.resize(slice->bytes);
      try {
        mended_->read(place.file->path, place.offset, buffer);
        if (digest::sha256(buffer) == loaded_.slices[number] && take(*slice, buffer)) return;
      } catch (const Error& error) {
        if (ends_all(error)) throw;
      }
    }
  }

  std::string second_seal(const Archive& archive) {
    const io::Path path = archive.root / std::string(fd::kSeals) / part_.volume.text() / std::string(fv::kTagManifest);
    try {
      const auto stat = context_.fs.stat(path);
      if (!stat || stat->type != io::FileType::kRegular) return {};
      std::string text = io::read_text(context_.fs, path, kTextLimit);
      return digest::sha256(core::as_bytes(text)) == part_.seal ? text : std::string();
    } catch (const Error& error) {
      if (ends_all(error)) throw;
      return {};
    }
  }

  Context& context_;
  const fp::Part& part_;
  io::Path work_, folder_;
  std::optional<volume::KnownSeal> known_;
  volume::LoadedVolume loaded_;
  std::optional<SealedSource> mended_;
};

class Making {
 public:
  Making(Context& context, const MakeParcelRequest& request)
      : context_(context), request_(request), asked_(request.asked->head()) {
    out_.file = request.to;
    part_file_ = request.to;
    part_file_ += ".new";
    work_ = request.to.parent_path() / fmt::format(".darkshelf-{}", context.world.new_id().short_text());
  }

  MadeParcel run() {
    find_archives();
    head_.kind = fp::Kind::kParcel;
    head_.drive = asked_.drive;
    head_.label = asked_.label;
    head_.creator = std::string(fp::kCreator);
    head_.made = context_.world.now();
    try {
      for (const fp::Part& part : asked_.parts) choose(part);
      if (!head_.parts.empty()) finish();
    } catch (...) {
      clear_away();
      throw;
    }
    clear_away();
    if (head_.parts.empty()) {
      throw Error(absent_ ? Code::kDriveAbsent : Code::kUnrepairable,
                  absent_ ? fmt::format("no drive that is plugged in holds a copy of what {} lacks", label())
                          : fmt::format("nothing of what {} lacks can be read here{}", label(), reasons_),
                  absent_ ? "plug its twin in and type the same command again, with the folder where it is mounted: "
                            "darkshelf repair PATH --parcel FILE"
                          : "type the same command where another copy is");
    }
    return std::move(out_);
  }

 private:
  void finish() {
    head_.from = fmt::format("{}", fmt::join(out_.from, ", "));
    if (head_.from.size() > 200) head_.from = fmt::format("{} drives", out_.from.size());
    write();
  }

  std::string label() const { return core::printable(asked_.label); }

  void find_archives() {
    archives_ = archives_here(context_, request_.drive);
    if (!request_.drive.empty() && archives_.empty()) {
      throw Error(Code::kNotFound,
                  fmt::format("no archive drive is here that is called \"{}\"", core::printable(request_.drive)),
                  "plug it in and give the folder where it is mounted");
    }
    const auto is_damaged_one = [&](const Archive& archive) { return archive.identity.id == asked_.drive; };
    if (!request_.drive.empty() && std::all_of(archives_.begin(), archives_.end(), is_damaged_one)) {
      throw Error(Code::kUsage, fmt::format("{} is the drive that lacks it", label()),
                  "darkshelf repair TWIN --parcel FILE   (where a twin of it is plugged in)");
    }
    std::erase_if(archives_, is_damaged_one);
    for (const Archive& archive : archives_)
      context_.fs.confine(archive.root, core::printable(archive.identity.label),
                          archive.root / std::string(fd::kFolder));
  }

  bool has_part(const Archive& archive, const fp::Part& part) {
    const auto stat = context_.fs.stat(archive.root / std::string(fd::kFolder) / part.folder);
    return stat && stat->type == io::FileType::kDirectory;
  }

  /// What of one volume can be read here goes into the spool, whatever order it comes in.
  void choose(const fp::Part& asked) {
    Chosen chosen;
    const std::size_t wanted = std::size_t{asked.needed} + asked.spare;
    for (const Archive& archive : archives_) {
      if (!has_part(archive, asked)) continue;
      absent_ = false;
      const std::size_t before = chosen.slices.size() + chosen.files.size();
      try {
        Copy copy(context_, archive, asked, work_ / "mended");
        take_files(asked, copy, chosen);
        take_slices(asked, copy, wanted, chosen);
        if (chosen.slices.size() < asked.needed) {
          const std::size_t sound = chosen.slices.size();
          copy.mend();
          take_slices(asked, copy, wanted, chosen);
          out_.mended += chosen.slices.size() - sound;
        }
      } catch (const Error& error) {
        if (error.code() != Code::kUnrepairable && error.code() != Code::kCorrupt && !io::is_read_error(error)) throw;
        reasons_ += fmt::format("; {}: {}", core::printable(archive.identity.label), error.what());
      }
      if (chosen.slices.size() + chosen.files.size() > before) note_from(archive.identity.label);
    }
    out_.short_of += asked.needed - std::min<std::size_t>(asked.needed, chosen.slices.size());
    out_.short_of += asked.files.size() - chosen.files.size();
    if (chosen.files.empty() && chosen.slices.empty()) return;
    fp::Part part;
    part.volume = asked.volume;
    part.seal = asked.seal;
    part.folder = asked.folder;
    part.slice_bytes = asked.slice_bytes;
    for (const auto& [file, place] : chosen.files) {
      part.files.push_back(file);
      places_.push_back(place);
    }
    for (const auto& [number, from] : chosen.slices) {
      part.slices.push_back(from.first);
      places_.push_back(from.second);
    }
    ++out_.volumes;
    out_.files += part.files.size();
    out_.slices += part.slices.size();
    head_.parts.push_back(std::move(part));
  }

  struct Place {  // in the spool
    std::uint64_t offset = 0, bytes = 0;
  };
  struct Chosen {
    std::vector<std::pair<fp::File, Place>> files;
    std::map<std::uint32_t, std::pair<fp::Slice, Place>> slices;
  };

  Place keep(core::ByteSpan bytes) {
    if (!spool_) {
      context_.fs.make_dirs(work_);
      spool_ = context_.fs.create(work_ / "data");
    }
    const Place place{spooled_, bytes.size()};
    spool_->write_at(spooled_, bytes);
    spooled_ += bytes.size();
    return place;
  }

  void take_files(const fp::Part& asked, const Copy& copy, Chosen& chosen) {
    for (const fp::File& file : asked.files) {
      const bool there = std::any_of(chosen.files.begin(), chosen.files.end(),
                                     [&](const auto& one) { return one.first.name == file.name; });
      const std::string* text = there ? nullptr : copy.text(file.name);
      if (text == nullptr) continue;
      const core::ByteSpan bytes = core::as_bytes(*text);
      chosen.files.push_back({{file.name, bytes.size(), digest::sha256(bytes)}, keep(bytes)});
    }
  }

  void take_slices(const fp::Part& asked, Copy& copy, std::size_t wanted, Chosen& chosen) {
    std::vector<fp::Slice> lacking = asked.slices;
    std::erase_if(lacking, [&](const fp::Slice& slice) { return chosen.slices.contains(slice.number); });
    if (chosen.slices.size() >= wanted || lacking.empty()) return;
    copy.read_slices(lacking, [&](const fp::Slice& slice, core::ByteSpan bytes) {
      chosen.slices.emplace(slice.number, std::pair(slice, keep(bytes)));
      return chosen.slices.size() >= wanted;
    });
  }

  void note_from(const std::string& label) {
    if (std::find(out_.from.begin(), out_.from.end(), label) == out_.from.end()) out_.from.push_back(label);
  }

  void write() {
    io::FileSystem& fs = context_.fs;
    const auto stat = fs.stat(part_file_);
    if (stat && stat->type == io::FileType::kRegular) fs.remove_file(part_file_);
    const auto file = fs.create(part_file_);
    began_ = true;
    const std::string head = fp::encode(head_);
    file->write_at(0, core::as_bytes(head));
    out_.bytes = head.size();
    core::Bytes buffer;
    for (const Place& place : places_) {
      context_.work.check();
      buffer.resize(place.bytes);
      if (spool_->read_at(place.offset, buffer) != buffer.size())
        throw Error(Code::kCorrupt, fmt::format("{} became shorter", core::printable(spool_->path().string())));
      file->write_at(out_.bytes, buffer);
      out_.bytes += buffer.size();
    }
    file->sync();
    core::stop_point("parcel.written");
    fs.rename(part_file_, out_.file);
    fs.sync_dir(fs.canonical(out_.file).parent_path());
  }

  /// Half of a parcel is none, whoever finds it.
  void clear_away() {
    spool_.reset();
    try {
      if (began_ && context_.fs.stat(part_file_)) context_.fs.remove_file(part_file_);
      io::remove_tree(context_.fs, work_);
    } catch (const Error&) {  // untidy, not wrong
    }
  }

  Context& context_;
  const MakeParcelRequest& request_;
  const fp::Parcel& asked_;
  io::Path part_file_, work_;
  bool began_ = false;  // part_file_ is of this run
  std::vector<Archive> archives_;
  fp::Parcel head_;
  std::vector<Place> places_;  // of what the head tells, in its order
  std::unique_ptr<io::File> spool_;
  std::uint64_t spooled_ = 0;
  bool absent_ = true;  // no copy of any volume is here
  std::string reasons_;
  MadeParcel out_;
};

}  // namespace

MadeParcel make_parcel(Context& context, const MakeParcelRequest& request) {
  require_place_for_parcel(context.fs, request.to);
  return Making(context, request).run();
}

}  // namespace darkshelf::rituals
