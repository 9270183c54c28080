package io.pannier.server.http;

import io.netty.util.ResourceLeakDetector;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Netty's leak detector, which keeps what it finds instead of logging it. Netty makes it in every
 * test of this room (see the room's pom.xml); {@link #watchAll} makes it look at every buffer.
 *
 * @param <T> what may leak
 */
public final class Leaks<T> extends ResourceLeakDetector<T> {
  private static final List<String> FOUND = new CopyOnWriteArrayList<>();

  public Leaks(Class<?> resourceType, int samplingInterval) {
    super(resourceType, samplingInterval);
  }

  /** The form that Netty looks for too. */
  public Leaks(Class<?> resourceType, int samplingInterval, long maxActive) {
    super(resourceType, samplingInterval);
  }

  /** Looks at every buffer from now on, or as usual. */
  public static void watchAll(boolean all) {
    setLevel(all ? Level.PARANOID : Level.SIMPLE);
  }

  /** What was found since the start of the process. */
  public static List<String> found() {
    return List.copyOf(FOUND);
  }

  @Override
  protected boolean needReport() {
    return true;
  }

  @Override
  protected void reportTracedLeak(String resourceType, String records) {
    FOUND.add(resourceType + records);
  }

  @Override
  protected void reportUntracedLeak(String resourceType) {
    FOUND.add(resourceType);
  }
}
