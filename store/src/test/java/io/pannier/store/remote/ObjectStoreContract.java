package io.pannier.store.remote;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.pannier.store.remote.ObjectStoreException.Kind;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every {@link ObjectStore} does, wherever its objects lie. */
@Timeout(60)
public abstract class ObjectStoreContract {
  /** A store without objects. */
  protected abstract ObjectStore store() throws IOException;

  @Test
  void whatWasPutIsReadWholeAndInRanges() throws IOException {
    ObjectStore store = store();
    store.put("a/x", content(bytes(300_000)));
    ObjectStore.Found found = store.get("a/x").orElseThrow();
    assertThat(array(found.content())).isEqualTo(bytes(300_000));
    ByteBuffer part = ByteBuffer.allocate(70_000);
    store.read("a/x", 100_000, part);
    assertThat(array(part.flip()))
        .isEqualTo(java.util.Arrays.copyOfRange(bytes(300_000), 100_000, 170_000));
    store.read("a/x", 0, ByteBuffer.allocate(0));
  }

  @Test
  void aPutReplaces() throws IOException {
    ObjectStore store = store();
    store.put("x", content("one".getBytes(UTF_8)));
    store.put("x", content("another".getBytes(UTF_8)));
    assertThat(array(store.get("x").orElseThrow().content())).isEqualTo("another".getBytes(UTF_8));
  }

  @Test
  void anEmptyObjectIsOne() throws IOException {
    ObjectStore store = store();
    store.put("x", content(new byte[0]));
    assertThat(store.get("x").orElseThrow().content().remaining()).isZero();
  }

  @Test
  void bytesThatDoNotMatchTheirChecksumAreRefused() throws IOException {
    ObjectStore store = store();
    ObjectStore.Content good = content(bytes(1000));
    var bad =
        new ObjectStore.Content() {
          @Override
          public long length() {
            return good.length();
          }

          @Override
          public int crc() {
            return good.crc() + 1;
          }

          @Override
          public InputStream open() throws IOException {
            return good.open();
          }
        };
    assertThat(kind(() -> store.put("x", bad))).isIn(Kind.DAMAGED, Kind.REFUSED);
    assertThat(store.get("x")).isEmpty();
  }

  @Test
  void aMissingObjectIsToldApart() throws IOException {
    ObjectStore store = store();
    assertThat(store.get("nothing")).isEmpty();
    assertThat(kind(() -> store.read("nothing", 0, ByteBuffer.allocate(1))))
        .isEqualTo(Kind.NOT_FOUND);
    store.delete("nothing");
  }

  @Test
  void aReadBehindTheEndFails() throws IOException {
    ObjectStore store = store();
    store.put("x", content(bytes(100)));
    assertThat(kind(() -> store.read("x", 90, ByteBuffer.allocate(11))))
        .isIn(Kind.DAMAGED, Kind.REFUSED);
  }

  @Test
  void conditionsHold() throws IOException {
    ObjectStore store = store();
    ByteBuffer one = ByteBuffer.wrap(new byte[] {1});
    ByteBuffer two = ByteBuffer.wrap(new byte[] {2});
    assertThat(kind(() -> store.putIfMatch("root", one.duplicate(), "\"no such version\"")))
        .isEqualTo(Kind.CONDITION_FAILED);
    String first = store.putIfAbsent("root", one.duplicate());
    assertThat(store.get("root").orElseThrow().version()).isEqualTo(first);
    assertThat(kind(() -> store.putIfAbsent("root", two.duplicate())))
        .isEqualTo(Kind.CONDITION_FAILED);
    String second = store.putIfMatch("root", two.duplicate(), first);
    assertThat(second).isNotEqualTo(first);
    assertThat(kind(() -> store.putIfMatch("root", one.duplicate(), first)))
        .isEqualTo(Kind.CONDITION_FAILED);
    assertThat(array(store.get("root").orElseThrow().content())).isEqualTo(new byte[] {2});
    assertThat(store.get("root").orElseThrow().version()).isEqualTo(second);
  }

  @Test
  void ofManyWhoPutAtOnceOneSucceeds() throws Exception {
    ObjectStore store = store();
    var won = new java.util.concurrent.atomic.AtomicInteger();
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < 4; i++) {
      byte[] mine = {(byte) i};
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                try {
                  store.putIfAbsent("root", ByteBuffer.wrap(mine));
                  won.incrementAndGet();
                } catch (IOException lost) {
                  assertThat(lost).isInstanceOf(ObjectStoreException.class);
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(won).hasValue(1);
  }

  @Test
  void listsAreAscendingAndGoOn() throws IOException {
    ObjectStore store = store();
    for (String key : List.of("s/2", "s/1", "t/1", "s/10", "r")) {
      store.put(key, content(new byte[] {1}));
    }
    assertThat(store.list("s/", "")).containsExactly("s/1", "s/10", "s/2");
    assertThat(store.list("s/", "s/10")).containsExactly("s/2");
    assertThat(store.list("u/", "")).isEmpty();
    store.delete("s/10");
    assertThat(store.list("s/", "")).containsExactly("s/1", "s/2");
  }

  private static Kind kind(ThrowingCallable call) {
    return catchThrowableOfType(ObjectStoreException.class, call).kind();
  }

  private static byte[] bytes(int count) {
    var bytes = new byte[count];
    new SplittableRandom(count).nextBytes(bytes);
    return bytes;
  }

  private static byte[] array(ByteBuffer buffer) {
    var bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  private static ObjectStore.Content content(byte[] bytes) {
    return new ObjectStore.Content() {
      @Override
      public long length() {
        return bytes.length;
      }

      @Override
      public int crc() {
        return Codec.crc(ByteBuffer.wrap(bytes));
      }

      @Override
      public InputStream open() {
        return new ByteArrayInputStream(bytes);
      }
    };
  }
}
