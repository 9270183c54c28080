package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import org.junit.jupiter.api.Test;

/**
 * What stands around a disk hands everything on: a method with a default of its own would otherwise
 * answer in its place.
 */
class MeteredDiskTest {
  @Test
  void everyCallReachesTheDiskBelow() throws NoSuchMethodException {
    requireAll(Disk.class, MeteredDisk.class);
    requireAll(DiskFile.class, MeteredDisk.MeteredFile.class);
  }

  private static void requireAll(Class<?> contract, Class<?> wrapper) throws NoSuchMethodException {
    for (Method method : contract.getMethods()) {
      if (!Modifier.isStatic(method.getModifiers())) {
        assertThat(
                wrapper.getMethod(method.getName(), method.getParameterTypes()).getDeclaringClass())
            .as(method.toString())
            .isEqualTo(wrapper);
      }
    }
  }
}
