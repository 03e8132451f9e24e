#include "unit/shelf/plain_shelf.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace darkshelf::testing {

namespace {

using catalog::CopyHealth;
using catalog::DriveState;

const char* const kKindNames[] = {"hdd", "ssd", "flash", "nas"};

bool one_in(Dice& dice, unsigned n) { return dice.below(n) == 0; }

}  // namespace

PlainShelf PlainShelf::make(std::uint64_t seed, unsigned most_drives, unsigned most_shoots) {
  Dice dice(seed * 977 + 13);
  PlainShelf shelf;
  shelf.copies = 1 + static_cast<unsigned>(dice.below(3));
  shelf.places = static_cast<unsigned>(dice.below(3));
  shelf.offsite = static_cast<unsigned>(dice.below(3));
  shelf.kinds = one_in(dice, 3) ? 2 : 1;
  const std::size_t drives = 1 + dice.below(most_drives);
  for (std::size_t i = 0; i < drives; ++i) {
    PlainDrive drive;
    drive.place = static_cast<int>(dice.below(4));
    drive.disk = static_cast<int>(i);
    drive.kind = static_cast<int>(dice.below(3));
    if (i > 0 && one_in(dice, 6)) {  // two partitions of one disk lie at one place
      const PlainDrive& twin = shelf.drives[dice.below(i)];
      drive.disk = twin.disk;
      drive.place = twin.place;
      drive.kind = twin.kind;
    }
    if (one_in(dice, 4)) drive.state = static_cast<DriveState>(dice.below(6));
    drive.here = one_in(dice, 5);
    drive.plugged = one_in(dice, 5);
    drive.failing = one_in(dice, 8);
    drive.gone = one_in(dice, 3);
    if (!one_in(dice, 4)) drive.room = 50 + dice.below(400);
    shelf.drives.push_back(drive);
  }
  const std::size_t shoots = 1 + dice.below(most_shoots);
  int time = 0;  // no two reads at the same hour: which of two on one disk is the later is then plain
  for (std::size_t s = 0; s < shoots; ++s) {
    PlainShoot shoot;
    if (one_in(dice, 5)) shoot.keep = 1 + static_cast<unsigned>(dice.below(3));
    shoot.discarded = one_in(dice, 10);
    shelf.shoots.push_back(shoot);
    const std::size_t parts = 1 + dice.below(2);
    for (std::size_t part = 0; part < parts; ++part) {
      PlainVolume volume;
      volume.shoot = static_cast<int>(s);
      volume.bytes = 10 + dice.below(90);
      volume.photos = 1 + dice.below(50);
      for (std::size_t d = 0; d < drives; ++d) {
        if (!one_in(dice, 2)) continue;
        PlainCopy copy;
        copy.drive = static_cast<int>(d);
        if (one_in(dice, 6)) copy.health = static_cast<CopyHealth>(1 + dice.below(3));
        copy.cached = one_in(dice, 6);
        const int age = static_cast<int>(dice.below(4) == 0 ? dice.below(15'000) : dice.below(8'000));
        copy.checked = age - age % 50 + ++time % 50;
        copy.latest = *copy.checked;
        if (one_in(dice, 10)) copy.latest = *copy.checked / 2;
        if (one_in(dice, 15)) copy.latest = -static_cast<int>(dice.below(60));  // two clocks that do not agree
        copy.made = *copy.checked + static_cast<int>(dice.below(60));
        if (one_in(dice, 9)) copy.checked.reset();
        volume.copies.push_back(copy);
      }
      shelf.volumes.push_back(volume);
    }
  }
  return shelf;
}

PlainShelf wanted(const PlainShelf& shelf, const PlainShoot& shoot) {
  PlainShelf out = shelf;
  if (shoot.keep) out.copies = *shoot.keep;
  if (out.places > out.copies) out.places = out.copies;
  if (out.kinds > out.copies) out.kinds = out.copies;
  if (out.offsite + 1 > out.copies) out.offsite = out.copies - 1;  // one is at home
  return out;
}

bool plain_counts(const PlainShelf& shelf, const PlainCopy& copy, bool with_loss) {
  const PlainDrive& drive = shelf.drives[static_cast<std::size_t>(copy.drive)];
  if (with_loss && drive.gone) return false;
  if (drive.state != DriveState::kOnShelf) return false;
  if (copy.health != CopyHealth::kGood) return false;
  if (!copy.checked) return false;
  if (copy.cached) {  // on a later day
    const auto day = [](int hours) { return core::format_date(plain_now() - std::chrono::hours(hours)); };
    if (day(*copy.checked) == day(copy.made)) return false;
  }
  if (copy.latest < -24) return false;
  return *copy.checked <= shelf.every + shelf.grace;
}

PlainCount plain_count(const PlainShelf& shelf, const PlainVolume& volume, bool with_loss) {
  std::map<int, PlainCopy> by_disk;  // the one checked last
  for (const PlainCopy& copy : volume.copies) {
    if (!plain_counts(shelf, copy, with_loss)) continue;
    const int disk = shelf.drives[static_cast<std::size_t>(copy.drive)].disk;
    if (!by_disk.contains(disk) || *copy.checked < *by_disk[disk].checked) by_disk[disk] = copy;
  }
  PlainCount count;
  std::set<int> places, kinds;
  for (const auto& [disk, copy] : by_disk) {
    const PlainDrive& drive = shelf.drives[static_cast<std::size_t>(copy.drive)];
    ++count.counting;
    kinds.insert(drive.kind);
    if (drive.offsite() && (drive.here || drive.plugged)) continue;  // it is with the others now
    places.insert(drive.place);
    if (drive.offsite()) ++count.offsite;
  }
  count.places = static_cast<unsigned>(places.size());
  if (count.places == 0 && count.counting > 0) count.places = 1;
  count.kinds = static_cast<unsigned>(kinds.size());
  const PlainShelf want = wanted(shelf, shelf.shoots[static_cast<std::size_t>(volume.shoot)]);
  count.met = count.counting >= want.copies && count.places >= want.places && count.offsite >= want.offsite &&
              count.kinds >= want.kinds;
  return count;
}

core::Time plain_now() { return *core::parse_time("2027-06-01T12:00:00Z"); }

core::Uuid plain_id(char kind, std::size_t number) {
  return *core::Uuid::parse(fmt::format("{:08x}-0000-4000-8000-{:012x}", static_cast<int>(kind), number));
}

shelf::Stock stock(const PlainShelf& shelf) {
  shelf::Stock out;
  for (std::size_t i = 0; i < shelf.drives.size(); ++i) {
    const PlainDrive& plain = shelf.drives[i];
    catalog::Drive drive;
    drive.id = plain_id('d', i);
    drive.label = fmt::format("D{:02}", i);
    drive.kind = kKindNames[plain.kind];
    if (plain.place > 0) {
      drive.place = plain_id('p', static_cast<std::size_t>(plain.place));
      drive.place_name = fmt::format("place {}", plain.place);
    }
    drive.offsite = plain.offsite();
    drive.state = plain.state;
    if (plain.state == DriveState::kLent) drive.lent_to = "Paul";
    drive.evidence.disk = fmt::format("serial {}", plain.disk);
    drive.here = plain.here;
    if (plain.failing) out.failing[drive.id] = "it says so";
    out.drives.push_back(drive);
  }
  for (std::size_t i = 0; i < shelf.shoots.size(); ++i) {
    catalog::Shoot shoot;
    shoot.id = plain_id('s', i);
    shoot.name = shoot.folder = fmt::format("shoot {}", i);
    shoot.date = "2026-06-14";
    shoot.keep_copies = shelf.shoots[i].keep;
    shoot.discarded = shelf.shoots[i].discarded;
    out.shoots.push_back(shoot);
  }
  for (std::size_t i = 0; i < shelf.volumes.size(); ++i) {
    const PlainVolume& plain = shelf.volumes[i];
    catalog::Volume volume;
    volume.info.volume = plain_id('v', i);
    volume.info.shoot = plain_id('s', static_cast<std::size_t>(plain.shoot));
    volume.info.photos = plain.photos;
    volume.bytes_on_drive = plain.bytes;
    out.shoots[static_cast<std::size_t>(plain.shoot)].photos += plain.photos;
    out.volumes.push_back(volume);
    for (const PlainCopy& one : plain.copies) {
      const auto ago = [](int hours) { return plain_now() - std::chrono::hours(hours); };
      catalog::Copy copy;
      copy.volume = volume.info.volume;
      copy.drive = plain_id('d', static_cast<std::size_t>(one.drive));
      copy.health = one.health;
      copy.made = ago(one.made);
      copy.readback_cached = one.cached;
      if (one.checked) {
        copy.checked = ago(*one.checked);
        copy.latest_read = ago(one.latest);
      }
      out.copies.push_back(copy);
      catalog::Drive& drive = out.drives[static_cast<std::size_t>(one.drive)];
      ++drive.volumes;
      drive.bytes += plain.bytes;
    }
  }
  return out;
}

shelf::Policy policy(const PlainShelf& shelf) {
  shelf::Policy policy;
  policy.copies = shelf.copies;
  policy.places = shelf.places;
  policy.offsite = shelf.offsite;
  policy.kinds = shelf.kinds;
  policy.scrub_every = std::chrono::hours(shelf.every);
  policy.grace = std::chrono::hours(shelf.grace);
  return policy;
}

shelf::Situation situation(const PlainShelf& shelf, bool with_loss) {
  shelf::Situation situation;
  for (std::size_t i = 0; i < shelf.drives.size(); ++i) {
    if (shelf.drives[i].plugged) situation.plugged_in.insert(plain_id('d', i));
    if (with_loss && shelf.drives[i].gone) situation.without.insert(plain_id('d', i));
  }
  return situation;
}

}  // namespace darkshelf::testing
