// The entry of every signed-in page. Runs before the first paint, so that what the browser adds to the server's page
// (own messages, grouping, local times) does not blink in afterwards.
import * as confirm from "./confirm.js";
import * as connection from "./connection.js";
import * as indicator from "./indicator.js";
import * as outbox from "./outbox.js";
import { room, transports } from "./page.js";
import * as roomPage from "./room.js";
import * as sidebar from "./sidebar.js";
import { localize } from "./times.js";

localize(document);
if (room) roomPage.arrange();

confirm.start();
sidebar.start();
if (transports.length) {
  indicator.start();
  if (room) roomPage.start();
  outbox.start();
  connection.start();
}
