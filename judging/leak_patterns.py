"""Sentences by which a writer says who it is or who made it, in English and Chinese, as patterns.

They work on small letters in which every name is one character (MODEL or OTHER_MAKER) and every covered name another one;
the name that is told is the group `n`. Everything that repeats is bounded, so that the time is linear in the text.
"""

from __future__ import annotations

import re

MODEL, OTHER_MAKER, MASKED = "\ue000", "\ue001", "▇"
_P, _A, _X = MODEL, f"[{MODEL}{OTHER_MAKER}]", f"[{MODEL}{OTHER_MAKER}{MASKED}]"


def _all(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


# ---- English

_B = r"(?<![a-z0-9'])"
_Q = r"[\"'“”«»()\[\]_<>「」『』《》【】:]{0,4}"
_W = r"[a-z0-9'/+&.-]{1,24}"
_CLAUSE = r"(?:^|[.!?\n:;,(\"“”—-] ?|(?<![a-z])(?:and|but|so|because|that|sorry) )"
_ADV = r"(?: (?:actually|just|simply|indeed|really|still|also|only|proudly|in fact|of course|basically|technically|currently|here as|the|your))*"
_ADV = _ADV[:-1] + "{0,4}"
_AM = rf"{_B}(?:i am|i'm)"
_FILL = rf"(?:,? {_W}){{0,10}}?"
_AI = (
    r"(?:ai|a\.i\.|artificial intelligence|language model|llm|model|assistant|chatbot|chat bot|bot|agent|system|program|transformer"
    r"|chat assistant|neural network)s?(?![a-z0-9])"
)
_VERB = (
    r"(?:developed|created|trained|made|built|designed|produced|released|maintained|provided|operated|engineered|fine-tuned|finetuned"
    r"|programmed|powered|offered|deployed|launched|introduced|published|owned|hosted|pretrained|pre-trained|brought to you)"
)
_TEAM = (
    r"(?: (?:the|a|an|some|our|my|good|smart|talented|dedicated|company|lab|labs|ai|research|startup|tech|technology|team|teams|people"
    r"|folks|researchers|engineers|scientists|developers|firm|organisation|organization|chinese|american|french|leading|at|of|from|called"
    r"|named|in|by|and|with|experts)){0,9}"
)
_ROLES = r"(?:engineer|developer|researcher|scientist|student|manager|professor|user|person|human|founder|fan|employee|journalist|teacher|consultant)"
_NO_ROLE = rf"(?![^.!?\n{_P}{OTHER_MAKER}]{{0,60}}\b{_ROLES}\b)"
_ENDS = (
    r"(?!'s|-[a-z]| (?:user|users|fan|fans|expert|developer|engineer|subscriber|customer|enthusiast|researcher|employee|evangelist|owner"
    r"|addict|fanboy)\b)"
)
_I = r"(?<![a-z0-9'])(?:i|i'm|i've|i'll|i'd|my|me|myself)(?![a-z0-9])"
_MADE_ME = r"(?:developed|created|trained|made|built|designed|engineered|fine-tuned|programmed|pretrained|pre-trained)"
_CALLED = (
    r"(?:my (?:full |real |official |given |model |actual |user-facing )?name(?:'s| is| was)|call me|i am called|i'm called|i am named|i'm named"
    r"|i go by(?: the name)?(?: of)?|i am known as|i'm known as|they call me|people call me|i identify as|my model(?: name)?(?: is|'s)"
    r"|my underlying model is|the model i run on is|i run on|i'm running on|i am running on|i am powered by|i'm powered by|i am based on"
    r"|i'm based on|i am built on|i'm built on|i am built upon|speaking as|you(?:'re| are)(?: now| currently)? (?:talking|speaking|chatting) (?:to|with)"
    r"|i was named|i have been named)"
)
_KNOWN_AS = (
    r"(?:called|named|known as|dubbed|by the name of|model|assistant|chatbot|bot|ai|llm|system|agent|version of|variant of|instance of"
    r"|part of the|based on|built on|built upon|powered by|running on|member of the|specifically|namely|that is|or)"
)
_ENGLISH_NAMES = (
    rf"{_AM}{_ADV},? {_Q}(?P<n>{_P}){_ENDS}",
    rf"{_AM}{_ADV} {_X}'s (?:{_W} ){{0,5}}{_Q}(?P<n>{_P}){_ENDS}",
    rf"{_AM}{_ADV} (?:an?|one of){_NO_ROLE}{_FILL},? {_KNOWN_AS}(?: the)?,? {_Q}(?P<n>{_P}){_ENDS}",
    rf"{_AM}{_ADV}(?: {_W}){{0,4}} (?:model|assistant|chatbot|ai) {_Q}(?P<n>{_P}){_ENDS}",
    rf"{_B}{_CALLED}(?: (?:actually|simply|the|an?|ai|assistant|model|language|large|called)){{0,6}},? {_Q}(?P<n>{_P}){_ENDS}",
    rf"{_AM}{_ADV} an? {_Q}(?P<n>{_P})(?:[ -](?:based|powered))?(?: {_W}){{0,2}}? (?:model|assistant|ai|llm|chatbot|bot|instance)(?![a-z]| {_ROLES})",
    rf"{_CLAUSE}(?:as|being) {_Q}(?P<n>{_P})(?=[\"')\]”_]{{0,2}}(?:\.\.\.|…|[ .,!]*$|,? (?:i am|i'm|i|i've|i'll|i'd) "
    rf"|,? ?(?!{_X}|which|who|whose|that)[^.!?\n{_P}]{{0,80}}?, (?:i|i'm|i've|i'll|i'd|my) ))",
    rf"{_CLAUSE}as (?:an?|the){_FILL} {_AI}(?: (?:called|named|like|known as)|,| \(){{0,2}} ?{_Q}(?P<n>{_P})(?=[^.!?\n]{{0,80}}{_I})",
    rf"{_CLAUSE}(?P<n>{_P}) here(?=[,.!\n:;]| to )",
    rf"{_CLAUSE}this is (?P<n>{_P})(?=,? (?:speaking|here)\b|[.!,]? how (?:can|may) i )",
    rf"{_B}i, (?:as )?{_Q}(?P<n>{_P})[\"')\]]{{0,2}},",
    rf"{_B}it(?:'s| is) me, {_Q}(?P<n>{_P})",
)
_ENGLISH_MAKERS = (
    rf"{_B}(?:i was|i am|i'm|i've been|i have been)(?: (?:originally|first|actually|primarily|specifically|mainly|initially|both|being|further)){{0,3}}"
    rf" {_VERB}(?:,? (?:and |then )?{_VERB}){{0,3}}(?: (?:entirely|jointly|in house|in-house|and maintained)){{0,2}} (?:by|at|from)(?:{_TEAM}|(?: {_W}){{0,5}} (?:at|from|of)) ?{_Q}(?P<n>{_A})",
    rf"{_AM}{_ADV} (?:an?|one of){_NO_ROLE}{_FILL} {_AI}(?:,? {_W}){{0,8}}? (?:by|from|of|{_MADE_ME} at){_TEAM} ?{_Q}(?P<n>{_A}){_ENDS}",
    rf"{_CLAUSE}as (?:an?|the){_NO_ROLE}{_FILL} {_AI}(?:,? {_W}){{0,8}}? (?:by|from|of|{_MADE_ME} at){_TEAM} ?{_Q}(?P<n>{_A})"
    rf"(?!{_Q},? ?{_X})(?=[^.!?\n]{{0,80}}{_I}|[ .,…!]*$)",
    rf"{_B}(?:my|our) (?:{_W} ){{0,2}}?(?:creators?|makers?|developers?|trainers?|designers?|training|creator company|parent company)"
    rf"(?:,| at| is| are| was| were| from| by|:){{1,2}}(?: (?:the|team|company|developed|done|carried|out|conducted|by|at)){{0,5}} ?{_Q}(?P<n>{_A})",
    rf"(?P<n>{_A})(?:'s)?,?(?: (?:which|who|that|has|have|the|company|is|team|researchers|engineers|at)){{0,5}} {_MADE_ME}(?: and {_MADE_ME})? me"
    r"(?=[.,!?;)\n]|$| to (?:be|help|assist|answer|provide|follow)| as an? )",
    rf"{_AM}{_ADV} {_Q}(?P<n>{_A})'s (?:{_W} ){{0,5}}?(?:ai|model|assistant|chatbot|llm|bot)(?![a-z]| {_ROLES})",
    rf"{_AM}{_ADV} {_Q}(?P<n>{_A})'s (?:{_W} ){{0,5}}?[{_P}{MASKED}]{_ENDS}",
)

# ---- Chinese

_ME = r"(?:我|本人|本助手|本模型|本ai|在下)"
_SO = r"(?:就|其实|正|确实|也|只|即|乃|目前|现在|当前|实际上|的确|便|都|，|,| |:){0,6}"
_N, _NC = r"[^。！？!?\n]", r"[^，,。！？!?\n]"
_ZAI = r"(?:模型|助手|机器人|ai|人工智能|程序|智能体|助理|系统|chatbot)(?!工程师|研究|开发者|专家|产品经理|从业|团队|部门|领域|方向|行业|公司)"
_ZVERB = r"(?:开发|训练|研发|推出|打造|创建|创造|构建|设计|发布|提供|研制|制作|制造|开源|运营|培养)"
_FIRM = r"(?:公司|集团|团队|实验室|科技|旗下|自主|独立|自研|倾力|全新|最新|所|的|工程师|研究人员|科学家|们|研究院|研究|通义| ){0,5}"
_ZENDS = (
    r"(?![\"'”」』》】)_]{0,2}(?:(?:的|之)(?!(?:一个|一款|最新|某个|大|小|语言|ai)?(?:版本|模型|实例|ai|助手|语言模型|大模型))|用户|粉丝|开发|工程师|员工|创始人|使用者"
    r"|爱好者|不|用|和|与|、|还是|吗|会不会))"
)
_ZQ = r"[\"'“”「」『』《》【】()_: ]{0,4}"
_NAMED = (
    r"(?:是|叫|叫做|叫作|名叫|名为|名字是|名字叫|名字叫做|的名字是|的名字叫|的名字叫做|的名字为|的全名是|的中文名是|的英文名是|的中文名叫|的英文名叫|被称为|被叫做|被命名为|称为|自称"
    r"|的代号是|的型号是|的模型是|的底层模型是|的模型名称是|的名称是|的身份是|基于|的模型基于|属于|的名字:)"
)
_CALLS = r"(?:名为|名叫|叫做|叫作|称为|叫|模型|助手|机器人|ai|人工智能|的|基于|程序|助理|产品|即|也就是)"
_CHINESE_NAMES = (
    rf"{_ME}{_SO}{_NAMED}{_ZQ}(?P<n>{_P}){_ZENDS}",
    rf"{_ME}{_SO}是(?!说|通过|用|在|从|因为|想|要|指|为了|不|以|否|一[个名位]{_NC}{{0,12}}(?:用户|工程师|学生|老师|研究|开发者|作家|人{_NC}))"
    rf"{_N}{{0,40}}?{_CALLS}[，, ]{{0,2}}(?:名为|我叫|叫做|叫|即|也就是|名字叫)?{_ZQ}(?P<n>{_P}){_ZENDS}",
    rf"(?:叫|称呼|称|喊|唤)我(?:为|作|做|一声)?{_ZQ}(?P<n>{_P})",
    rf"(?:^|[。！？!?\n，, ])这里是{_ZQ}(?P<n>{_P})(?=[，,。！!\n]|$)",
    rf"(?:作为|身为){_ZQ}(?P<n>{_P}){_ZENDS}(?![^，,。]{{0,4}}(?:[，,] ?(?:它|他|其|该|这)))(?={_ZQ}(?:[.。…，, ]*$|{_N}{{0,30}}?(?:我|本模型|本助手)))",
    rf"(?:作为|身为){_NC}{{0,30}}?(?:{_ZVERB}|{_ZAI}|的){_NC}{{0,15}}?(?P<n>{_P}){_ZENDS}(?={_ZQ}[，,]{_N}{{0,20}}?我)",
)
_CHINESE_MAKERS = (
    rf"{_ME}{_SO}(?:是)?(?:一?[个款名种位])?(?:{_NC}{{0,15}}?{_ZAI}[，, ]?(?:我)?(?:是)?)?(?:由(?!衷|于|此)|被)(?:来自)?{_NC}{{0,10}}?{_ZQ}(?P<n>{_A})"
    rf"{_ZQ}{_NC}{{0,20}}?{_ZVERB}",
    rf"{_ME}{_SO}(?:是)?(?:一?[个款名种位])?(?:{_NC}{{0,15}}?{_ZAI}[，, ]?(?:我)?(?:是)?)?(?:来自|出自|源于|隶属于)(?:于)?{_NC}{{0,10}}?{_ZQ}(?P<n>{_A})"
    rf"{_FIRM}(?:[，, ]{{0,2}}(?:是|作为))?{_NC}{{0,15}}?(?:{_ZAI}|{_ZVERB}|{_P}|{MASKED})",
    rf"{_ME}{_SO}是{_NC}{{0,8}}?{_ZQ}(?P<n>{_A}){_ZQ}{_FIRM}{_NC}{{0,20}}?{_ZVERB}(?:的|出的|出来的)(?:{_N}{{0,25}}?(?:{_ZAI}|{_P}|{MASKED}|产品|工具|服务)|(?:$|[，,。！!\n]))",
    rf"{_ME}{_SO}是{_ZQ}(?P<n>{_A}){_ZQ}(?:公司|集团|旗下)?的{_NC}{{0,10}}?(?:{_ZAI}|{_P}|{MASKED})",
    rf"我的(?:开发者|开发商|开发公司|开发团队|创造者|创建者|制造商|制造者|研发团队|研发公司|研发者|训练者|母公司|设计者|缔造者|提供商)(?:们)?(?:是|为|来自|:|：|，|就是){{0,2}}"
    rf"{_NC}{{0,8}}?{_ZQ}(?P<n>{_A})",
    rf"(?P<n>{_A}){_ZQ}{_FIRM}{_ZVERB}(?:和{_ZVERB})?(?:出)?了我(?!们|的|国|校|司)",
    rf"(?:作为|身为)(?:一?[个款名种位])?(?:由|来自|被)?{_NC}{{0,8}}?{_ZQ}(?P<n>{_A}){_ZQ}{_FIRM}(?:{_ZVERB}|的){_NC}{{0,25}}?(?:{_ZAI}|{_P}|{MASKED})(?={_ZQ}(?:[，,]{_N}{{0,20}}?我|[。…]*$))",
)

NAME_SAID = _all(*_ENGLISH_NAMES, *_CHINESE_NAMES)
MAKER_SAID = _all(*_ENGLISH_MAKERS, *_CHINESE_MAKERS)
SENTENCE_END = re.compile(r"[.!?](?![a-z0-9])|[\n。！？]")
