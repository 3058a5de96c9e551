"""Domains where anybody can have a mailbox. Written down by hand: what is missing is named at worst
as a rare domain with many fans, which a person looks at. [X-13]
"""

from __future__ import annotations

import re
from typing import Final

# Under many endings, such as hotmail.co.uk.
_FAMILIES: Final = re.compile(
    r"(?:yahoo|ymail|hotmail|outlook|live|msn|gmx|aol|yandex|btinternet|orange|vodafone"
    r"|virginmedia|zoho)"
    r"\.(?:com?\.)?[a-z]{2,4}"
)
_PROVIDERS: Final = """
    gmail.com googlemail.com google.com icloud.com me.com mac.com rocketmail.com aim.com
    passport.com proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.com
    tuta.io mail.com email.com usa.com post.com europe.com asia.com consultant.com engineer.com
    fastmail.com fastmail.fm hey.com hushmail.com mailbox.org posteo.de posteo.net startmail.com
    duck.com privaterelay.appleid.com mozmail.com simplelogin.com lycos.com excite.com juno.com
    netzero.net comcast.net xfinity.com verizon.net att.net sbcglobal.net bellsouth.net
    pacbell.net ameritech.net swbell.net prodigy.net cox.net charter.net spectrum.net
    roadrunner.com rr.com twc.com brighthouse.com optonline.net optimum.net earthlink.net
    mindspring.com windstream.net frontier.com frontiernet.net centurylink.net centurytel.net
    embarqmail.com q.com suddenlink.net mediacombb.net cableone.net wowway.com rcn.com
    hawaii.rr.com gci.net tds.net rogers.com bell.net sympatico.ca shaw.ca telus.net
    videotron.ca cogeco.ca eastlink.ca sasktel.net mts.net nb.sympatico.ca teksavvy.com sky.com
    talktalk.net tiscali.co.uk ntlworld.com blueyonder.co.uk o2.co.uk plus.com plusnet.com
    tesco.net eircom.net web.de t-online.de freenet.de arcor.de 1und1.de online.de email.de
    mail.de kabelmail.de magenta.de bluewin.ch hispeed.ch sunrise.ch chello.at aon.at a1.net
    laposte.net free.fr sfr.fr wanadoo.fr neuf.fr bbox.fr numericable.fr club-internet.fr
    libero.it virgilio.it tin.it alice.it tiscali.it fastwebnet.it email.it telefonica.net
    terra.es ono.com terra.com terra.com.br uol.com.br bol.com.br ig.com.br globo.com r7.com
    sapo.pt prodigy.net.mx telmex.com ziggo.nl kpnmail.nl planet.nl home.nl xs4all.nl upcmail.nl
    hetnet.nl casema.nl telenet.be skynet.be proximus.be scarlet.be telia.com comhem.se
    bredband.net spray.se online.no getmail.no mail.dk stofanet.dk tdcadsl.dk jubii.dk
    luukku.com kolumbus.fi saunalahti.fi wp.pl o2.pl onet.pl onet.eu interia.pl interia.eu op.pl
    vp.pl gazeta.pl poczta.fm tlen.pl seznam.cz centrum.cz email.cz volny.cz post.cz centrum.sk
    azet.sk zoznam.sk freemail.hu citromail.hu abv.bg mail.bg ukr.net i.ua meta.ua bigmir.net
    mail.ru bk.ru inbox.ru list.ru internet.ru rambler.ru ya.ru inbox.lv delfi.lt mynet.com
    qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com 139.com 189.cn
    aliyun.com naver.com hanmail.net daum.net nate.com kakao.com docomo.ne.jp ezweb.ne.jp au.com
    softbank.ne.jp i.softbank.jp ybb.ne.jp nifty.com biglobe.ne.jp rediffmail.com sify.com
    indiatimes.com bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au
    westnet.com.au dodo.com.au ozemail.com.au internode.on.net xtra.co.nz slingshot.co.nz
    singnet.com.sg pchome.com.tw hinet.net walla.com walla.co.il bezeqint.net netvision.net.il
    mweb.co.za webmail.co.za vodamail.co.za telkomsa.net
"""
_NAMES: Final = frozenset(_PROVIDERS.split())


def is_provider(domain: str) -> bool:
    """Whether anybody can have a mailbox there, as far as it is written down here."""
    return domain in _NAMES or _FAMILIES.fullmatch(domain) is not None
