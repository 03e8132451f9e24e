#pragma once
// What a rescue finds on the medium: packets first, then the slices they tell of. For rescue*.cpp alone.

#include <map>
#include <set>

#include "parity/raw_slices.hpp"
#include "rituals/rescue.hpp"
#include "rituals/rescue_payload.hpp"
#include "rituals/rescue_store.hpp"
#include "rituals/rescue_volumes.hpp"

namespace darkshelf::rituals {

class RescueSearch {
 public:
  RescueSearch(RescueContext& context, const RescueRequest& request, RescueReport& report)
      : context_(context), request_(request), report_(report), sets_(context.work.memory / 3) {}

  /// Goes on from what an earlier run left. A rescue that was finished asks again for what it could not read then.
  void run();
  /// Everything that was found is in its place, as far as that is possible.
  void finish();

  io::RawMedium& medium() { return *medium_; }
  io::Path work_folder() const { return store_ ? store_->folder() : io::Path(); }
  bool writes() const { return store_ != nullptr; }
  CarvedSets& sets() { return sets_; }
  const std::vector<CarvedSet*>& ours() const { return ours_; }
  const FoundSlices& found(std::size_t set) const { return found_[set]; }
  /// Compares the slices and recovery slices that count as found with their checksums; what does not fit is read from
  /// the medium again, or is lost from now on. True when anything was otherwise than it should be.
  bool verify(std::size_t set);

 private:
  void begin();
  void begin_again();
  void save();
  void passed(RescueStage stage, std::uint64_t position);
  parity::PacketCarver carver();
  void carve();
  void split();
  void add_look(const SearchRange& range);
  core::Work quiet() const;
  void require_memory(std::uint64_t needed = 0) const;
  void prepare();
  void find_placed();
  void take_in(const FoundSlice& found);
  void keep_place(const parity::RawSlice& slice, std::uint64_t offset);
  void find();
  void add_zeros(std::uint32_t set);
  void measure();
  void search();
  void search(parity::RawSliceSearch& search, std::uint64_t begin);
  std::uint64_t search_between(parity::RawSliceSearch& search, core::ByteSpan data, std::uint64_t base,
                               std::uint64_t from, std::uint64_t to);
  void gather(const parity::RawSlice& slice, core::ByteSpan bytes);
  GatheredPayload& payload(std::uint32_t set);
  bool verify_recovery(CarvedSet& set);
  bool verify_payload(std::uint32_t set);

  RescueContext& context_;
  const RescueRequest& request_;
  RescueReport& report_;
  RescueProgress progress_;
  std::unique_ptr<RescueStore> store_;  // null: only looking
  std::unique_ptr<io::RawMedium> medium_;
  bool again_ = false;  // what could not be read is asked for again
  CarvedSets sets_;
  std::set<formats::par2::Md5> news_;  // sets whose index became longer behind bad sectors
  std::vector<CarvedSet*> ours_;       // by number in the table
  std::map<formats::par2::Md5, std::uint32_t> number_of_;
  std::set<formats::par2::Md5> placed_;  // sets whose volumes are whole in the folder already
  parity::RawSliceTable table_;
  std::vector<FoundSlices> found_;  // beside ours_
  OpenPayloads open_;
  std::set<std::uint32_t> failed_;  // whose files could not be written
};

}  // namespace darkshelf::rituals
