package io.pannier.store;

import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * Lets a test do something behind each call to a file of another disk, whether it failed or not.
 */
final class HookedDisk {
  /** What is done. */
  interface Hook {
    void after(String method, DiskFile file) throws Exception;
  }

  private HookedDisk() {}

  /** A disk like the other, with the hook. */
  static Disk of(Disk disk, Hook hook) {
    InvocationHandler handler =
        (_, method, arguments) -> {
          Object result = call(method, disk, arguments);
          return result instanceof DiskFile file ? of(file, hook) : result;
        };
    return (Disk)
        Proxy.newProxyInstance(
            HookedDisk.class.getClassLoader(), new Class<?>[] {Disk.class}, handler);
  }

  /** A disk whose device is so quick that each append is on it before the next call. */
  static Disk writingThrough(Disk disk) {
    return of(
        disk,
        (method, file) -> {
          if (method.startsWith("append")) {
            file.sync();
          }
        });
  }

  private static DiskFile of(DiskFile file, Hook hook) {
    InvocationHandler handler =
        (_, method, arguments) -> {
          try {
            return call(method, file, arguments);
          } finally {
            hook.after(method.getName(), file);
          }
        };
    return (DiskFile)
        Proxy.newProxyInstance(
            HookedDisk.class.getClassLoader(), new Class<?>[] {DiskFile.class}, handler);
  }

  private static Object call(java.lang.reflect.Method method, Object target, Object[] arguments)
      throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException failure) {
      throw failure.getCause();
    }
  }
}
