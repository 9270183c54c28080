package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BuffersTest {
  @Test
  void buffersAreUsedAgain() {
    var buffers = new Buffers(1 << 20);
    var first = buffers.take(5000);
    var memory = first.buffer();
    assertThat(memory.capacity()).isEqualTo(8192);
    memory.putInt(7);
    first.release();
    first.release();
    var second = buffers.take(8192);
    assertThat(second.buffer()).isSameAs(memory);
    assertThat(second.buffer().position()).isZero();
    assertThat(buffers.take(8192).buffer()).isNotSameAs(memory);
    assertThat(buffers.inUse()).isEqualTo(2);
  }

  @Test
  void thereIsNoMoreThanTheBudget() {
    var buffers = new Buffers(16 << 10);
    var one = Objects.requireNonNull(buffers.tryTake(8192));
    assertThat(buffers.tryTake(1)).isNotNull();
    assertThat(buffers.tryTake(4096)).isNotNull();
    assertThat(buffers.tryTake(1)).isNull();
    one.release();
    // Its room is given to two smaller ones.
    assertThat(buffers.tryTake(1)).isNotNull();
    assertThat(buffers.tryTake(1)).isNotNull();
    assertThat(buffers.tryTake(1)).isNull();
  }

  @Test
  void aLoneRequestLargerThanTheBudgetIsServed() {
    var buffers = new Buffers(1000);
    var lease = buffers.take(1 << 20);
    assertThat(lease.buffer().capacity()).isEqualTo(1 << 20);
    assertThat(buffers.tryTake(1)).isNull();
    lease.release();
    assertThat(buffers.tryTake(1)).isNotNull();
  }

  @Test
  void whoFindsNothingWaits() throws Exception {
    var buffers = new Buffers(8192);
    var held = buffers.take(8192);
    var waiting = CompletableFuture.supplyAsync(() -> buffers.take(100));
    Thread.sleep(50); // tidy: nothing tells that it has begun to wait
    assertThat(waiting).isNotDone();
    assertThat(buffers.tryTake(100)).isNull();
    held.release();
    assertThat(waiting.get(5, TimeUnit.SECONDS).buffer().capacity()).isEqualTo(4096);
  }

  @Test
  void thereIsALargestSize() {
    var buffers = new Buffers(1 << 20);
    assertThat(buffers.take(2 << 20).buffer().capacity()).isEqualTo(2 << 20);
    assertThatThrownBy(() -> buffers.take((2 << 20) + 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
