package io.pannier.robotics.mcap;

import io.pannier.robotics.mcap.McapRecord.Channel;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Which messages are wanted, and in which order.
 *
 * @param channels which channels
 * @param start earliest log time, nanoseconds, inclusive
 * @param end latest log time, nanoseconds, inclusive; {@link #UNBOUNDED} for all (times are
 *     unsigned)
 */
public record MessageSelection(Predicate<Channel> channels, long start, long end, Order order) {
  /** The latest time there is. */
  public static final long UNBOUNDED = -1;

  /** In which order messages come; those of one time in the order of the file. */
  public enum Order {
    /** From the earliest log time on. */
    LOG_TIME,
    /** From the latest log time on, and of one time the last written first. */
    REVERSE_LOG_TIME,
    /** As they stand in the file: with the fewest reads and the least memory. */
    FILE
  }

  /** All messages by log time. */
  public static MessageSelection all() {
    return new MessageSelection(channel -> true, 0, UNBOUNDED, Order.LOG_TIME);
  }

  /** All messages of these topics, by log time. */
  public static MessageSelection topics(String... topics) {
    Set<String> wanted = Set.of(topics);
    return all().where(channel -> wanted.contains(channel.topic()));
  }

  /** The same of other channels. */
  public MessageSelection where(Predicate<Channel> wanted) {
    return new MessageSelection(wanted, start, end, order);
  }

  /** The same of another time, both ends included. */
  public MessageSelection between(long from, long to) {
    return new MessageSelection(channels, from, to, order);
  }

  /** The same in another order. */
  public MessageSelection in(Order other) {
    return new MessageSelection(channels, start, end, other);
  }

  boolean overlaps(long first, long last) {
    return Long.compareUnsigned(last, start) >= 0 && Long.compareUnsigned(first, end) <= 0;
  }

  boolean holds(long time) {
    return overlaps(time, time);
  }
}
