"""Words that say nothing about what is talked about, in the languages that chats are mostly in. For words.py."""

EVERYDAY = frozenset(
    """
    a about above actually after afternoon again against ago agree agreed ah all almost already also always am
    an and another any anybody anyone anything anyway are aren't around as ask asked asking at away back bad
    be because been before being below best better between big bit both but by call came can can't cannot case
    come comes coming cool could couldn't day days did didn't different do does doesn't doing don't done down
    each early either else else's end enough even evening ever every everybody everyone everything exactly few
    fine first for found friday from get gets getting give go goes going gone gonna good got great guess guys
    had haha happen happened happens has hasn't have haven't having he he's hello help her here here's hey hi
    him his hmm hope hour hours how however i i'd i'll i'm i've idea if in instead into is isn't it it's its
    itself just keep kind know last late later least left less let let's like little ll lol long look looked
    looking looks lot made make makes making many may maybe me mean means might mine minute minutes moment
    monday more morning most much must my myself need needed needs never new next nice no nobody none nor not
    nothing now of off oh ok okay old on once one ones only or other others ought our out over own people
    perhaps please point pretty probably put question quick quite rather re read ready really remind reminder
    right said same saturday saw say saying says seconds see seem seems seen send sent several shall she she's
    should shouldn't show since so some somebody someone something sometimes somewhere soon sorry still stuff
    such sunday sure take taken takes talk tell than thank thanks that that's the their them then there
    there's these they they're thing things think this those though thought through thursday time times to
    today together told tomorrow tonight too took tried try trying tuesday two under until up us use used
    using usually ve very via wait want wanted wants was wasn't way we we'll we're we've wednesday week weeks
    welcome well went were what what's whatever when where whether which while who whole why will with within
    without won't work working works would wouldn't write wrong wrote yeah year years yep yes yesterday yet
    you you'd you'll you're you've your yours
    aber alle alles als also am an auch auf aus bei bin bis bist da damit dann das dass dein dem den der des
    die dir doch dort du ein eine einem einen einer er es etwas euch für ganz gibt gut habe haben hat hatte
    heute hier ich ihm ihn ihr im immer in ist ja jetzt kann kein keine können könnte machen mal man mehr mein
    mich mir mit morgen muss müssen nach nein nicht nichts noch nun nur ob oder ohne schon sehr sein seine
    seit sich sie sind so soll sollte um und uns unter vielleicht vom von vor wann war waren warum was weil
    wenn wer werden wie wieder will wir wird wo wollen würde zu zum zur über
    au aussi aux avec avoir bien c'est ce ces cette comme d'un d'une dans de des du elle en est et fait faut
    il ils j'ai je la le les leur lui ma mais mes moi mon ne nous on ont ou où par pas peut plus pour qu'il
    quand que qui sa sans ses si son sont suis sur ta te tes très tu un une vos votre vous y à être
    al algo así aunque como con cuando de del desde donde dos el ella ellos era es esa ese eso esta estaba
    este esto está están fue ha hace han hasta hay la las le les lo los me mi muy más nada no nos para pero
    por porque puede que quien qué se sea ser si sin sobre son su sus sí también tengo tiene todo todos tu un
    una uno unos vamos ya yo
    ao aos até com da das do dos ela ele eles em essa esse isso isto já mais mas mesmo muito na nas no nos não
    nós o os ou para pela pelo por qual quando que quem se sem seu sua são só também tem ter um uma você vocês
    che chi ci cosa dei della delle di gli ho il io l'ho lei lo loro ma mi molto nel nella noi non per perché
    più quello questo qui sei sono sta su tra tutti tutto un una uno voi è
    aan bij dan dat een het ik je maar met naar niet nog ook op te van voor wel zijn
    一下 一个 不是 不过 为什么 什么 今天 他们 但是 你们 可以 因为 大家 如果 就是 已经 应该
    怎么 我们 所以 时候 明天 昨天 没有 然后 现在 知道 觉得 谢谢 还是 这个 这样 这里 那个
    那样 那里 问题
    今日 場合 大丈夫 思う 明日 昨日 時間 確認 自分
    """.split()
)
