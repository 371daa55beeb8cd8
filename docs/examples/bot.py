"""A bot that answers whoever names it, word by word: python bot.py http://127.0.0.1:5000 TOKEN SESSION_ID"""

import sys
import time
import uuid

import socketio  # pip install "python-socketio[client]"

address, token, session_id = sys.argv[1:]
chat, heard = socketio.Client(), []
chat.on("newMessage", lambda event: heard.append(event["message"]), "/chat")
chat.connect(address, auth={"token": token}, namespaces=["/chat"])
chat.call("joinSession", {"sessionId": session_id}, "/chat")
while chat.connected:
    question = heard.pop(0) if heard else time.sleep(0.05)
    if question and question["author"]["kind"] == "person" and "@echo" in question["content"]:
        start = {"sessionId": session_id, "clientId": str(uuid.uuid4()), "replyTo": question["id"]}
        message = chat.call("startStream", start, "/chat")["message"]
        of, length = {"messageId": message["id"], "gen": message["gen"]}, 0
        for word in ("You ", "said: ", *question["content"].replace("@echo", "").split(" ")):
            chunk = of | {"offset": length, "text": word + " "}
            while (ack := chat.call("streamChunk", chunk, "/chat")).get("error", {}).get("status") == "queued":
                time.sleep(1)  # others speak; it is this bot's turn soon
            length = ack.get("length", length)
        chat.call("streamComplete", of, "/chat")
