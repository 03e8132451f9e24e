#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "parity/recovery_plan.hpp"
#include "rituals/drives.hpp"
#include "rituals/payload_reader.hpp"
#include "rituals/seal_parts.hpp"
#include "rituals/twins.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

/// A few recovery slices, summed as PAR2 defines them while the payload is read back: proves sums, memory and medium at
/// once. The kernels sum whole slices, directly, whatever the method of the seal was; some columns of them are summed
/// by the definition, word by word, which shares no arithmetic with either.
class Sample {
 public:
  /// Which ones: by the volume's own random id, so that threads proving its copies share nothing.
  explicit Sample(const fv::BagInfo& info) : slice_bytes_(info.slice_bytes) {
    if (info.recovery_slices == 0) return;
    const auto chance = [&](std::size_t i) { return core::load_le<std::uint32_t>(info.volume.bytes.data() + 4 * i); };
    for (std::size_t i = 0; i < kSamples; ++i) {
      const auto exponent = static_cast<std::uint16_t>(chance(i) % info.recovery_slices);
      if (std::find(exponents_.begin(), exponents_.end(), exponent) == exponents_.end()) exponents_.push_back(exponent);
    }
    column_bytes_ = std::min<std::uint64_t>(slice_bytes_, 256);
    first_column_ = chance(kSamples) % (slice_bytes_ / column_bytes_) * column_bytes_;
    columns_.assign(exponents_.size(), core::Bytes(column_bytes_));
    const parity::RecoveryPlan plan({slice_bytes_, info.slices, exponents_, std::max(kMemory, 8 * slice_bytes_), 1},
                                    parity::Method::kDirect);
    sums_ = std::make_unique<parity::Accumulator>(plan, 0);
  }

  void add(std::uint32_t slice, core::ByteSpan bytes) {
    if (!sums_) return;
    sums_->add(slice, bytes);
    const core::ByteSpan columns = bytes.subspan(std::min<std::uint64_t>(first_column_, bytes.size()));
    core::Bytes padded(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(
                                                              std::min<std::uint64_t>(columns.size(), column_bytes_)));
    padded.resize(column_bytes_);
    for (std::size_t i = 0; i < exponents_.size(); ++i)
      parity::add_by_definition(columns_[i], padded, slice, exponents_[i]);
  }

  void compare(io::FileSystem& fs, const parity::PacketScan& scan, std::uint32_t expected) {
    if (scan.recovery.size() != expected || !scan.bad.empty()) {
      throw Error(Code::kCorrupt,
                  fmt::format("only {} of {} recovery slices were read back sound", scan.recovery.size(), expected));
    }
    if (!sums_) return;
    sums_->finish();
    core::Bytes stored(slice_bytes_), summed(slice_bytes_);
    for (std::size_t i = 0; i < exponents_.size(); ++i) {
      const parity::RecoveryLocation& at = scan.recovery[exponents_[i]];
      const auto file = fs.open_read(scan.files[at.file], io::ReadMode::kDirect);
      sums_->read(i, summed);
      const auto columns = stored.begin() + static_cast<std::ptrdiff_t>(first_column_);
      if (file->read_at(at.data_offset, stored) != stored.size() || stored != summed ||
          !std::equal(columns_[i].begin(), columns_[i].end(), columns)) {
        throw Error(Code::kCorrupt,
                    fmt::format("recovery slice {} is not what the payload gives by definition", at.exponent));
      }
    }
  }

 private:
  static constexpr std::size_t kSamples = 2;
  static constexpr std::uint64_t kMemory = 64 << 20;
  std::uint64_t slice_bytes_, column_bytes_ = 0, first_column_ = 0;
  std::vector<std::uint16_t> exponents_;
  std::vector<core::Bytes> columns_;  // column_bytes_ from first_column_ on of each, by the definition
  std::unique_ptr<parity::Accumulator> sums_;
};

}  // namespace

struct Proof::State {
  State(Context& proof_context, io::Path proof_folder) : context(proof_context), folder(std::move(proof_folder)) {}

  SliceObserver observer(const fv::BagInfo& info) {
    sample.emplace(info);
    return [this](std::uint32_t slice, core::ByteSpan bytes) { sample->add(slice, bytes); };
  }

  void require_intact(const Examination& examination) const {
    if (examination.intact()) return;
    const std::string what =
        examination.loaded && !examination.findings.empty()
            ? fmt::format("{} ({})", examination.findings.front().path, name_of(examination.findings.front().kind))
            : examination.failure;
    throw Error(Code::kCorrupt,
                fmt::format("what was read back from {} is not what was written: {}", folder.string(), what));
  }

  Context context;
  io::Path folder;
  std::optional<Sample> sample;  // has seen the payload, or sees it now
  bool payload_read = false, readback_cached = false;
};

Proof::Proof(Context& context, io::Path folder) : state_(std::make_unique<State>(context, std::move(folder))) {}
Proof::~Proof() = default;

void Proof::read_payload(const volume::LoadedVolume& lists, const std::function<bool()>& stop) {
  State& s = *state_;
  io::sync_tree(s.context.fs, s.folder / "data");
  Examination payload;
  payload.folder = s.folder;
  payload.loaded = lists;
  payload.readback_cached = !io::drop_block_cache(s.folder);
  const SliceObserver on_slice = s.observer(lists.info);
  const Portion all{{{0, lists.info.slices}}, false, stop};
  rituals::read_payload(s.context, io::ReadMode::kDirect, on_slice, &all, payload);
  s.require_intact(payload);
  s.readback_cached = payload.readback_cached;
  s.payload_read = !payload.stopped;
}

bool Proof::finish(const WrittenVolume& written) {
  State& s = *state_;
  io::FileSystem& fs = s.context.fs;
  const volume::KnownSeal known{written.seal, written.tagmanifest};
  const Portion rest{{}, true, [] { return false; }};
  const SliceObserver on_slice = s.payload_read ? SliceObserver{} : s.observer(written.info);
  const Examination examination = examine(s.context, s.folder, written.info.volume, known, Depth::kEverything,
                                          io::ReadMode::kDirect, on_slice, s.payload_read ? &rest : nullptr);
  s.require_intact(examination);
  if (!written.signature.empty() &&
      io::read_text(fs, s.folder / std::string(fv::kSignature), formats::minisig::kLongest, io::ReadMode::kDirect) !=
          written.signature)
    throw Error(Code::kCorrupt,
                fmt::format("the signature read back from {} is not the one written", s.folder.string()));
  if (written.info.recovery_slices > 0) {
    const std::vector<io::Path> files = parity::files_of_set(fs, s.folder / (fv::base_name(written.info) + ".par2"));
    s.sample->compare(fs, parity::scan_packets(fs, files, io::ReadMode::kDirect, s.context.work),
                      written.info.recovery_slices);
  }
  return s.readback_cached || examination.readback_cached;
}

bool prove(Context& context, const io::Path& folder, const WrittenVolume& written) {
  return Proof(context, folder).finish(written);
}

std::vector<io::Path> half_made(Context& context, const AttachedDrive& drive) {
  const io::Path folder = drive.root / std::string(fd::kIncoming);
  std::vector<io::Path> found;
  const auto stat = context.fs.stat(folder);
  if (!stat || stat->type != io::FileType::kDirectory) return found;
  for (const io::Entry& entry : context.fs.list(folder)) {
    const auto volume = context.catalog.find_volume(entry.name);
    const bool known = volume && volume->info.volume.text() == entry.name &&
                       health_on(context, volume->info.volume, drive.drive.id).has_value();
    if (!known || context.fs.stat(drive.volume_folder(*volume))) found.push_back(folder / entry.name);
  }
  return found;
}

void put_in_place(Context& context, const AttachedDrive& drive, const catalog::Volume& volume, Place place) {
  io::FileSystem& fs = context.fs;
  const io::Path seals = drive.root / std::string(fd::kSeals) / volume.info.volume.text();
  fs.make_dirs(seals);
  io::write_file_durably(fs, seals / std::string(fv::kTagManifest), core::as_bytes(volume.tagmanifest));
  const io::Path from = incoming_folder(drive, volume.info.volume);
  const std::string signature(fv::kSignature);
  if (fs.stat(from / signature)) {
    const core::Bytes text = io::read_file(fs, from / signature, formats::minisig::kLongest);
    io::write_file_durably(fs, seals / signature, text);
  }
  const io::Path to = drive.volume_folder(volume);
  fs.make_dirs(to.parent_path());
  if (fs.stat(to)) {
    if (place == Place::kEmpty) throw Error(Code::kFailed, fmt::format("{} is in the way", to.string()));
    const std::string name =
        fmt::format("{}_{}", core::format_date(context.world.now()), context.world.new_id().short_text());
    const io::Path kept = drive.root / std::string(fd::kQuarantine) / name / volume.info.volume.text();
    fs.make_dirs(kept.parent_path());
    fs.rename(to, kept);
    fs.sync_dir(kept.parent_path());
    core::stop_point("copy.bad-one-kept");
  }
  fs.rename(from, to);
  fs.sync_dir(to.parent_path());
  fs.sync_dir(from.parent_path());
}

}  // namespace darkshelf::rituals
