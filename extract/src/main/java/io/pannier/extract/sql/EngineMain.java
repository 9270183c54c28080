package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The process of an engine. Arguments: a folder of its own for files, most memory for tables in
 * bytes, longest content in bytes. Requests come through the standard input, replies go through the
 * standard output; it ends with its input, and when nothing came for half a minute.
 */
public final class EngineMain {
  private static final long IDLE_MILLIS = 30_000;

  private EngineMain() {}

  /** Begins it. */
  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    long memory = Long.parseLong(arguments[1]);
    int contentMax = Integer.parseInt(arguments[2]);
    var in = new DataInputStream(new BufferedInputStream(new FileInputStream(FileDescriptor.in)));
    var out =
        new DataOutputStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16));
    // What libraries print goes with the errors.
    System.setOut(System.err);
    offerToKernel();
    var idle = new AtomicBoolean();
    endWhenIdle(idle, folder);
    try (Engine engine = Engine.open(folder, memory, contentMax)) {
      while (true) {
        idle.compareAndSet(false, true);
        int first = in.read();
        if (first < 0) {
          // The server is gone, perhaps without having had the time to clean up.
          EngineProcess.remove(folder);
          return;
        }
        idle.set(false);
        int length = (first << 24) | (in.readUnsignedByte() << 16) | in.readUnsignedShort();
        ObjectNode head = Frames.readHead(in, length);
        byte[] content = Frames.readContent(in, contentMax);
        Reply reply = engine.answer(head, content);
        Frames.writeHead(out, reply.head(), reply.content().length);
        out.write(reply.content());
        out.flush();
      }
    }
  }

  /** When memory runs out, this process goes before the server does. */
  private static void offerToKernel() {
    try {
      Files.writeString(Path.of("/proc/self/oom_score_adj"), "1000");
    } catch (IOException e) {
      // Not Linux, or not allowed: the server watches its memory all the same.
    }
  }

  private static void endWhenIdle(AtomicBoolean idle, Path folder) {
    Thread.ofPlatform()
        .name("idle")
        .daemon()
        .start(() -> {
          var seenIdle = new boolean[1];
          while (true) {
            try {
              Thread.sleep(IDLE_MILLIS / 2);
            } catch (InterruptedException e) {
              return;
            }
            if (!idle.get()) {
              seenIdle[0] = false;
            } else if (seenIdle[0]) {
              // A request that comes at this moment finds nobody, and is sent to another process.
              EngineProcess.remove(folder);
              Runtime.getRuntime().halt(0);
            } else {
              seenIdle[0] = true;
            }
          }
        });
  }
}
