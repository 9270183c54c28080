package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** Uploads that outlive their connections. */
class PartialUploadsTest {
  private final MemoryDisk disk = new MemoryDisk();
  private final TestStores stores = new TestStores(3);
  private final Store store = stores.open(disk);
  private final PartialUploads uploads = new PartialUploads(stores.clock);
  private final byte[] body = noise(300_000);

  private static byte[] noise(int length) {
    var bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private static int crc(byte[] bytes) {
    var crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }

  private Entry entry(QuotaType quota, long size) {
    return store
        .createBucket("b", new BucketSettings(quota, size, 1 << 20, 100, null))
        .entryForWrite("e");
  }

  private PartialUploads.Draft draft(long time) {
    return new PartialUploads.Draft(
        time, "image/png", Labels.of("a", "1"), Optional.empty(), body.length);
  }

  /** Sends a part as one connection does; returns how much is there then. */
  private long send(Entry entry, long time, String id, int from, int to) {
    PartialUploads.Turn turn = uploads.take(entry, id, draft(time), from);
    assertThat(turn.received()).isEqualTo(from);
    for (int at = from; at < to; ) {
      int piece = Math.min(to - at, 7_777);
      turn.write(ByteBuffer.wrap(body, at, piece));
      at += piece;
    }
    return turn.rest();
  }

  @Test
  void partsOfSeveralConnectionsBecomeOneRecord() {
    Entry entry = entry(QuotaType.NONE, 0);
    assertThat(send(entry, 5, "x", 0, 100_001)).isEqualTo(100_001);
    assertThat(entry.info().recordCount()).isZero();
    assertThatThrownBy(() -> entry.find(5)).isInstanceOf(PannierException.TooEarly.class);
    assertThat(uploads.received(entry, 5, "x")).isEqualTo(100_001);
    // Whoever sends the same record from elsewhere is told to wait.
    assertThatThrownBy(() -> uploads.received(entry, 5, "y"))
        .isInstanceOf(PannierException.TooEarly.class);
    entry.write(TestStores.record(6, "others write meanwhile"));
    send(entry, 5, "x", 100_001, 100_002);
    send(entry, 5, "x", 100_002, body.length);
    assertThat(uploads.finish(entry, 5, "x", crc(body))).isEqualTo(body.length);
    assertThat(TestStores.bytes(entry.find(5))).isEqualTo(body);
    assertThat(entry.find(5).labels()).isEqualTo(Labels.of("a", "1"));
    assertThat(uploads.size()).isZero();
    // Whoever did not hear of it is told that the record is there.
    assertThatThrownBy(() -> uploads.received(entry, 5, "x"))
        .isInstanceOf(PannierException.Conflict.class);
    assertThatThrownBy(() -> uploads.finish(entry, 5, "x", crc(body)))
        .isInstanceOf(PannierException.Conflict.class);
  }

  @Test
  void anotherPlaceThanTheEndIsRefusedAndTold() {
    Entry entry = entry(QuotaType.NONE, 0);
    assertThat(uploads.take(entry, "x", draft(5), 10).received()).isZero();
    assertThat(uploads.size()).isZero();
    send(entry, 5, "x", 0, 1000);
    PartialUploads.Turn turn = uploads.take(entry, "x", draft(5), 0);
    assertThat(turn.session()).isNull();
    assertThat(turn.received()).isEqualTo(1000);
  }

  @Test
  void aConnectionThatComesLaterCutsTheEarlierOneOff() {
    Entry entry = entry(QuotaType.NONE, 0);
    PartialUploads.Turn old = uploads.take(entry, "x", draft(5), 0);
    old.write(ByteBuffer.wrap(body, 0, 1000));
    PartialUploads.Turn next = uploads.take(entry, "x", draft(5), 1000);
    assertThatThrownBy(() -> old.write(ByteBuffer.wrap(body, 1000, 10)))
        .isInstanceOf(PannierException.TooEarly.class);
    assertThat(old.rest()).isEqualTo(1000);
    next.write(ByteBuffer.wrap(body, 1000, body.length - 1000));
    next.rest();
    uploads.finish(entry, 5, "x", crc(body));
    assertThat(TestStores.bytes(entry.find(5))).isEqualTo(body);
  }

  @Test
  void whatDoesNotMatchItsChecksumIsGivenUp() {
    Entry entry = entry(QuotaType.NONE, 0);
    send(entry, 5, "x", 0, body.length);
    assertThatThrownBy(() -> uploads.finish(entry, 5, "x", crc(body) + 1))
        .isInstanceOf(PannierException.BadRequest.class)
        .hasMessageContaining("checksum");
    assertThat(uploads.size()).isZero();
    assertThat(entry.info().recordCount()).isZero();
    send(entry, 5, "x", 0, body.length - 1);
    assertThatThrownBy(() -> uploads.finish(entry, 5, "x", crc(body)))
        .isInstanceOf(PannierException.BadRequest.class)
        .hasMessageContaining("299999 of 300000");
  }

  @Test
  void aRecordThatIsThereIsToldBeforeAByteIsSent() {
    Entry entry = entry(QuotaType.NONE, 0);
    entry.write(TestStores.record(5, "there"));
    assertThatThrownBy(() -> uploads.received(entry, 5, "x"))
        .isInstanceOf(PannierException.Conflict.class);
    assertThatThrownBy(() -> uploads.take(entry, "x", draft(5), 0))
        .isInstanceOf(PannierException.Conflict.class);
    assertThat(uploads.size()).isZero();
  }

  @Test
  void itCountsForTheQuotaAndGivesBackWhatItHad() {
    Entry entry = entry(QuotaType.HARD, 400_000);
    send(entry, 5, "x", 0, 1000);
    assertThatThrownBy(() -> send(entry, 6, "y", 0, 1000))
        .isInstanceOf(PannierException.BadRequest.class);
    assertThat(uploads.size()).isEqualTo(1);
    uploads.abandon(entry, 5, "x");
    send(entry, 6, "y", 0, body.length);
    uploads.finish(entry, 6, "y", crc(body));
    assertThat(entry.info().recordCount()).isEqualTo(1);
  }

  @Test
  void whatNobodyGoesOnWithExpires() {
    Entry entry = entry(QuotaType.HARD, 400_000);
    send(entry, 5, "x", 0, 1000);
    stores.scheduler.advanceMillis(PartialUploads.IDLE_NANOS / 1_000_000 - 1);
    uploads.sweep();
    assertThat(uploads.size()).isEqualTo(1);
    stores.scheduler.advanceMillis(1);
    uploads.sweep();
    assertThat(uploads.size()).isZero();
    assertThatThrownBy(() -> uploads.received(entry, 5, "x"))
        .isInstanceOf(PannierException.NotFound.class);
    send(entry, 5, "x", 0, body.length);
    uploads.finish(entry, 5, "x", crc(body));
  }

  @Test
  void anEntryTakesFewOfThemSoThatOthersCanWrite() {
    Entry entry = entry(QuotaType.NONE, 0);
    send(entry, 1, "x", 0, 10);
    send(entry, 2, "x", 0, 10);
    assertThatThrownBy(() -> send(entry, 3, "x", 0, 10))
        .isInstanceOf(PannierException.TooEarly.class)
        .hasMessage("Too many unfinished uploads to entry 'e'");
    entry.write(TestStores.record(9, "small"));
    stores.scheduler.advanceMillis(TimeUnit.HOURS.toMillis(2));
    uploads.sweep();
    send(entry, 3, "x", 0, 10);
    assertThat(uploads.size()).isEqualTo(1);
  }

  @Test
  void inAnEntryTooTheLongestIdleGivesWay() {
    Entry entry = entry(QuotaType.NONE, 0);
    send(entry, 1, "x", 0, 10);
    stores.scheduler.advanceMillis(1);
    send(entry, 2, "x", 0, 10);
    stores.scheduler.advanceMillis(TimeUnit.MINUTES.toMillis(1) - 2);
    assertThatThrownBy(() -> send(entry, 3, "x", 0, 10))
        .isInstanceOf(PannierException.TooEarly.class);
    stores.scheduler.advanceMillis(1);
    send(entry, 3, "x", 0, 10);
    assertThatThrownBy(() -> uploads.received(entry, 1, "x"))
        .isInstanceOf(PannierException.NotFound.class);
    assertThat(uploads.received(entry, 2, "x")).isEqualTo(10);
  }

  @Test
  void allOfThemTogetherAreBoundedAndTheLongestIdleGoesFirst() {
    entry(QuotaType.NONE, 0);
    Bucket bucket = store.bucket("b");
    for (int i = 0; i < 256; i++) {
      send(bucket.entryForWrite("n" + i), 1, "x", 0, 10);
      stores.scheduler.advanceMillis(1);
    }
    assertThatThrownBy(() -> send(bucket.entryForWrite("more"), 1, "x", 0, 10))
        .isInstanceOf(PannierException.TooEarly.class);
    stores.scheduler.advanceMillis(TimeUnit.MINUTES.toMillis(1));
    send(bucket.entryForWrite("more"), 1, "x", 0, 10);
    assertThat(uploads.size()).isEqualTo(256);
    assertThatThrownBy(() -> uploads.received(bucket.entry("n0"), 1, "x"))
        .isInstanceOf(PannierException.NotFound.class);
    uploads.close();
    assertThat(uploads.size()).isZero();
  }

  @Test
  void oneOfARemovedEntryGoesWithIt() {
    Entry entry = entry(QuotaType.NONE, 0);
    send(entry, 5, "x", 0, 1000);
    store.bucket("b").removeEntry("e");
    uploads.sweep();
    assertThat(uploads.size()).isZero();
    assertThatThrownBy(() -> send(entry, 5, "x", 0, 2000)).isInstanceOf(PannierException.class);
    stores.scheduler.advanceMillis(60_000);
    store.close();
  }

  @Test
  void aKillLeavesNothingOfIt() throws IOException {
    Entry entry = entry(QuotaType.NONE, 0);
    entry.write(TestStores.record(1, "before"));
    send(entry, 5, "x", 0, 200_000);
    entry.write(TestStores.record(2, "behind"));
    MemoryDisk left = disk.kill();
    Store again = new TestStores(4).open(left);
    Entry there = again.bucket("b").entry("e");
    assertThat(there.info().recordCount()).isEqualTo(2);
    assertThatThrownBy(() -> there.find(5)).isInstanceOf(PannierException.NotFound.class);
    var anew = new PartialUploads(stores.clock);
    assertThatThrownBy(() -> anew.received(there, 5, "x"))
        .isInstanceOf(PannierException.NotFound.class);
    again.close();
    assertThat(Verifier.run(left.kill(), Verifier.Progress.NONE).isClean()).isTrue();
  }

  @Test
  void aRingEvictsAsItArrivesAndNotBefore() {
    Entry entry = entry(QuotaType.FIFO, 500_000);
    for (int i = 0; i < 400; i++) {
      entry.write(new NewRecord(i, "", Labels.EMPTY, ByteBuffer.wrap(noise(1000))));
      stores.scheduler.runDue();
    }
    long before = entry.info().recordCount();
    send(entry, 1_000_000, "x", 0, 1000);
    assertThat(entry.info().recordCount()).isGreaterThan(before / 2);
    send(entry, 1_000_000, "x", 1000, body.length);
    uploads.finish(entry, 1_000_000, "x", crc(body));
    assertThat(entry.info().recordCount()).isLessThan(before);
    assertThat(store.bucket("b").diskBytes()).isLessThanOrEqualTo(500_000);
  }
}
