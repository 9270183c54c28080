package io.pannier.store.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class CountingDiskTest extends DiskContract {
  private MemoryDisk memory = new MemoryDisk();
  private CountingDisk counting = new CountingDisk(memory);

  @Override
  Disk makeDisk() {
    memory = new MemoryDisk();
    counting = new CountingDisk(memory);
    return counting;
  }

  @Override
  Disk anotherProcess() {
    return new CountingDisk(memory.anotherProcess());
  }

  @Test
  void everyCallIsCountedByKindAndBytes() throws IOException {
    disk().makeFolder("f");
    DiskFile file = create("f/a");
    file.append(bytes("12345"));
    file.append(new ByteBuffer[] {bytes("67"), bytes("8")});
    assertThat(file.read(ByteBuffer.allocate(100), 2)).isEqualTo(6);
    file.truncate(0);
    file.appendDirect(aligned(noise(PAGE), 0, PAGE));
    file.sync();
    disk().syncFolder("f");
    disk().syncAll();
    disk().rename("f/a", "b");
    open("b");
    disk().delete("b");
    disk().list("");
    disk().exists("b");
    disk().allocate("c", 3);
    disk().usableBytes();
    disk().tryLock("lock");
    assertThat(counting.counts())
        .hasToString(
            "create 1, open 1, append 2 (4104 B), appendDirect 1, read 1 (6 B), truncate 1, sync 1, syncFolder 1,"
                + " syncAll 1, rename 1, delete 1, makeFolder 1, list 1, exists 1, allocate 1,"
                + " usableBytes 1, lock 1");
  }

  @Test
  void snapshotsTellWhatOneOperationCosts() throws IOException {
    DiskFile file = create("a");
    Counts before = counting.counts();
    assertThat(counting.since(before)).isEqualTo(Counts.NONE).hasToString("nothing");
    file.append(bytes("12345"));
    file.sync();
    assertThat(counting.since(before)).hasToString("append 1 (5 B), sync 1");
    assertThat(counting.since(before).of(DiskOperation.SYNC)).isEqualTo(1);
    assertThat(before.plus(counting.since(before))).isEqualTo(counting.counts());
  }

  @Test
  void failedCallsCountAndBytesAsFarAsTaken() throws IOException {
    var small = new CountingDisk(new MemoryDisk(3));
    DiskFile file = small.create("a");
    assertThatExceptionOfType(DiskFullException.class)
        .isThrownBy(() -> file.append(bytes("12345")));
    assertThat(small.counts()).hasToString("create 1, append 1 (3 B)");
  }
}
