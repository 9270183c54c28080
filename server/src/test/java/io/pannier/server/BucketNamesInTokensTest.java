package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Lists of tokens follow what happens to buckets, so that nobody gets the bucket of another. */
class BucketNamesInTokensTest extends TokenFixture {
  private String lists(String token) throws IOException {
    String text = send("GET", "tokens/" + token).text();
    return text.substring(text.indexOf("\"read\""), text.indexOf("},\"is_prov"));
  }

  private String lists(String read, String write) {
    return "\"read\":[" + read + "],\"write\":[" + write + "]";
  }

  private static String text(String name) {
    return "\"" + name + "\"";
  }

  @Test
  void aRenamedBucketIsRenamedInLists() throws Exception {
    String value =
        token(
            "one",
            "{'permissions':{'read':['x','B','B*','*','Bx'],'write':['B','fresh']}}"
                .replace("B", bucket));
    assertThat(admin("PUT", "b/" + bucket + "/rename", "{'new_name':'fresh'}")).startsWith("200");
    assertThat(lists("one"))
        .isEqualTo(lists("\"x\",\"fresh\",\"B*\",\"*\",\"Bx\"".replace("B", bucket), "\"fresh\""));
    assertThat(ask(value, "GET", "b/fresh").status()).isEqualTo(200);
    restart();
    assertThat(lists("one")).contains("\"fresh\"");
  }

  @Test
  void aRemovedBucketIsTakenFromLists() throws Exception {
    String value =
        token("one", "{'permissions':{'read':['x','B'],'write':['B','B*']}}".replace("B", bucket));
    send("DELETE", "b/" + bucket);
    assertThat(lists("one")).isEqualTo(lists("\"x\"", text(bucket + "*")));
    send("POST", "b/" + bucket);
    assertThat(ask(value, "GET", "b/" + bucket).status()).isEqualTo(403);
    restart();
    assertThat(ask(value, "GET", "b/" + bucket).status()).isEqualTo(403);
  }

  @Test
  void whatFailedChangesNoList() throws Exception {
    reader("one");
    send("POST", "b/taken");
    assertThat(admin("PUT", "b/" + bucket + "/rename", "{'new_name':'taken'}"))
        .isEqualTo("409 Bucket 'taken' already exists");
    assertThat(admin("PUT", "b/" + bucket + "/rename", "{'new_name':'a b'}")).startsWith("422");
    assertThat(admin("PUT", "b/missing/rename", "{'new_name':'a'}")).startsWith("404");
    assertThat(admin("DELETE", "b/missing", "")).startsWith("404");
    assertThat(lists("one")).isEqualTo(lists(text(bucket), ""));
    restart();
    assertThat(lists("one")).isEqualTo(lists(text(bucket), ""));
  }

  /** The text that a server leaves which dies between its intention and its end. */
  private void dieWith(String from, String to) throws IOException, InterruptedException {
    String stored =
        new String(store.documents().load("tokens").orElseThrow(), StandardCharsets.UTF_8);
    String begun =
        stored.replace(
            "\"tokens\":[",
            "\"bucket_change\":{\"from\":\"" + from + "\",\"to\":" + to + "},\"tokens\":[");
    // The server stores the last uses when it stops: that must be over.
    server.context().tokens().close();
    store.documents().save("tokens", begun.getBytes(StandardCharsets.UTF_8));
    restart();
  }

  @Test
  void aRenameThatTheStoreDidNotSeeIsForgotten() throws Exception {
    reader("one");
    dieWith(bucket, "\"fresh\"");
    assertThat(lists("one")).isEqualTo(lists(text(bucket), ""));
    send("POST", "b/fresh");
    send("DELETE", "b/" + bucket);
    restart();
    assertThat(lists("one")).isEqualTo(lists("", ""));
  }

  @Test
  void aRenameThatTheStoreSawIsFinishedAtTheNextStart() throws Exception {
    String value = reader("one");
    store.renameBucket(bucket, "fresh");
    dieWith(bucket, "\"fresh\"");
    assertThat(lists("one")).isEqualTo(lists("\"fresh\"", ""));
    send("POST", "b/" + bucket);
    restart();
    assertThat(ask(value, "GET", "b/" + bucket).status()).isEqualTo(403);
    assertThat(ask(value, "GET", "b/fresh").status()).isEqualTo(200);
  }

  @Test
  void aRemovalThatTheStoreSawIsFinishedAtTheNextStart() throws Exception {
    String value = reader("one");
    store.removeBucket(bucket);
    dieWith(bucket, "null");
    assertThat(lists("one")).isEqualTo(lists("", ""));
    send("POST", "b/" + bucket);
    restart();
    assertThat(ask(value, "GET", "b/" + bucket).status()).isEqualTo(403);
  }

  /** Somebody makes and fills the bucket anew again and again while its old owner looks. */
  @Test
  void noMomentShowsTheBucketOfAnother() throws Exception {
    String value = reader("one");
    var failures = new java.util.concurrent.ConcurrentLinkedQueue<String>();
    var stop = new java.util.concurrent.atomic.AtomicBoolean();
    var looking =
        Thread.ofPlatform()
            .start(() -> {
              try (var own = new Wire(server.port())) {
                while (!stop.get()) {
                  var answer = own.send(Wire.request("GET", "b/" + bucket + "/e?ts=1").as(value));
                  if (answer.status() == 200) {
                    failures.add(answer.text());
                  }
                }
              } catch (IOException e) {
                failures.add(e.toString());
              }
            });
    for (int i = 0; i < 15; i++) {
      // Others have the name in a list too, or there would be nothing to do.
      token("other" + i, "{'read':['" + bucket + "']}");
      send("PUT", "b/" + bucket + "/rename", "{\"new_name\":\"away" + i + "\"}");
      send("POST", "b/" + bucket);
      record("e", 1, "a stranger's");
    }
    stop.set(true);
    looking.join();
    assertThat(failures).isEmpty();
  }
}
