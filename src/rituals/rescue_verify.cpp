// What counts as found, compared with its checksums: a disk on which it was gathered may rot, too.

#include <algorithm>

#include "core/error.hpp"
#include "rituals/rescue_search.hpp"

namespace darkshelf::rituals {

namespace par2 = formats::par2;

namespace {

constexpr std::size_t kHashedFrom = 32, kHead = par2::kHeaderBytes + 4;

bool is_sound(io::RawMedium& medium, const CarvedSet& set, const parity::RecoveryLocation& at) {
  core::Bytes packet(kHead + set.scan.main->slice_bytes);
  if (!medium.read_exactly(at.data_offset - kHead, packet)) return false;
  const auto header = par2::decode_header(core::ByteSpan(packet).first(par2::kHeaderBytes));
  return header && header->bytes == packet.size() && header->set_id == set.scan.set_id &&
         core::load_le<std::uint32_t>(packet.data() + par2::kHeaderBytes) == at.exponent &&
         digest::md5(core::ByteSpan(packet).subspan(kHashedFrom)) == header->packet_md5;
}

/// False where the folder's own disk cannot read it.
bool read_gathered(GatheredPayload& payload, std::uint32_t slice, core::MutableByteSpan into) {
  try {
    payload.read(slice, 0, into);
    return true;
  } catch (const core::Error& error) {
    if (!io::is_read_error(error)) throw;
    return false;
  }
}

}  // namespace

bool RescueSearch::verify(std::size_t set) {
  const bool recovery = verify_recovery(*ours_[set]);
  const bool gathered = store_ && ours_[set]->kind == CarvedKind::kPayload;
  return (gathered && verify_payload(static_cast<std::uint32_t>(set))) || recovery;
}

bool RescueSearch::verify_recovery(CarvedSet& set) {
  const auto gone = std::erase_if(set.scan.recovery, [&](const parity::RecoveryLocation& at) {
    context_.work.check();
    return !is_sound(*medium_, set, at);
  });
  set.recovery_bytes.resize(set.scan.recovery.size());
  return gone != 0;
}

bool RescueSearch::verify_payload(std::uint32_t number) {
  const CarvedSet& set = *ours_[number];
  FoundSlices& found = found_[number];
  save();  // the places are in the log
  std::map<std::uint32_t, std::uint64_t> places;
  store_->replay([&](const FoundSlice& one) {
    if (one.set == set.scan.set_id) places.emplace(one.slice, one.offset);
  });
  bool changed = false;
  std::vector<std::uint32_t> lost;
  core::Bytes slice(set.scan.main->slice_bytes);
  try {
    GatheredPayload payload(context_.fs, VolumeRescue::gathered(store_->folder(), set), set);
    for (std::uint32_t s = 0; s < set.slices; ++s) {
      context_.work.check();
      if (std::binary_search(found.lost.begin(), found.lost.end(), s)) {
        lost.push_back(s);
        continue;
      }
      if (read_gathered(payload, s, slice) && digest::md5(slice) == found.checksums[s]) continue;
      changed = true;
      std::fill(slice.begin(), slice.end(), std::byte{});
      const auto place = places.find(s);  // slices of zeros have none
      const bool read =
          place == places.end() ||
          medium_->read_exactly(place->second, core::MutableByteSpan(slice).first(table_.length_of({number, s})));
      if (read && digest::md5(slice) == found.checksums[s]) {
        payload.write(s, 0, slice);
      } else {
        lost.push_back(s);
      }
    }
    payload.sync();
  } catch (const core::Error& error) {
    // Its files cannot be written: that is told already.
    if (ends_all(error) || error.code() == core::Code::kNoSpace) throw;
    return false;
  }
  found.lost = std::move(lost);
  return changed;
}

}  // namespace darkshelf::rituals
